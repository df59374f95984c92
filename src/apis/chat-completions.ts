/** `POST /v1/chat/completions`. */
import { ChatMeter } from '../streams/chat-meter.ts'
import { field } from '../wire/field.ts'
import { parseJson } from '../wire/parse-json.ts'
import { type Api, hasHostedTools, hasOtherParts, measureTurns } from './api.ts'
import { type ChatCompletionRequest, chatCompletionRequest } from './chat-completions-schema.ts'
import { isPlainList } from './skip-plain-messages.ts'
import { storedReference } from './stored-references.ts'

export const chatCompletions: Api<ChatCompletionRequest> = {
  format: 'chat',
  schema: chatCompletionRequest,
  tokenCapNames: ['max_completion_tokens', 'max_tokens'],

  measurePrompt({ messages, tools }) {
    const size = measureTurns(messages, tools)
    for (const message of messages) {
      const calls = field(message, 'tool_calls')
      if (calls) size.characters += JSON.stringify(calls).length
    }
    return size
  },

  tokenCapOf: (request) => request.max_completion_tokens ?? request.max_tokens ?? undefined,

  choicesOf: (request) => request.n ?? 1,

  hasContentElsewhere: (request) =>
    (!isPlainList(request.messages) && hasOtherParts(request.messages)) ||
    hasHostedTools(request.tools) ||
    field(request, 'web_search_options') != null ||
    storedReference(request) !== undefined,

  toInputs({ model: _name, ...inputs }) {
    return { ...inputs, messages: withContent(inputs.messages) }
  },

  /** The labels of a stored completion. */
  onlyWithStore: ['metadata'],

  withUsage(inputs) {
    const options = inputs['stream_options']
    const others = typeof options === 'object' ? options : null
    return { ...inputs, stream_options: { ...others, include_usage: true } }
  },

  createMeter(request) {
    return new ChatMeter({ leaveOutUsage: request.stream_options?.include_usage !== true })
  },

  /** Long data are cut and so no JSON, and they are output: only output makes a chunk long. */
  isOutput(data) {
    const choices = field(parseJson(data), 'choices')
    return !Array.isArray(choices) || choices.some((choice) => hasOutput(field(choice, 'delta')))
  },

  errorEvent: (body) => `data: ${JSON.stringify(body)}`,
}

/** The catalog's schema wants `content` in every message. OpenAI's own has it optional beside tool calls. */
function withContent(messages: ChatCompletionRequest['messages']): ChatCompletionRequest['messages'] {
  if (messages.every((message) => message.content !== undefined)) return messages
  return messages.map((message) => (message.content === undefined ? { ...message, content: null } : message))
}

/**
 * Whether a delta has content, a tool call, a refusal or any other field of output. The first delta has a role and empty
 * fields, and the last one is empty.
 */
function hasOutput(delta: unknown): boolean {
  const fields: unknown[] = Object.values({ ...Object(delta), role: null })
  return fields.some((value) => value !== null && Object(value).length !== 0)
}
