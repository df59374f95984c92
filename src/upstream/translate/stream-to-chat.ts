/** The events of a response as chunks of a chat completion. */
import { field } from '../../wire/field.ts'
import type { AnswerError } from './answer-error.ts'
import { calledBy, chatHead, finishReasonOf } from './answer-to-chat.ts'
import { type Fields, listOf, textOf } from './json.ts'
import type { EventTranslator } from './stream-translator.ts'
import { usageToChat } from './usage.ts'

export interface ChunkOptions {
  /** The last chunk has the usage, and every other one has `"usage":null`. */
  readonly includeUsage: boolean
  /** Padding of the upstream goes on. */
  readonly includeObfuscation: boolean
}

export class ChunkWriter implements EventTranslator {
  isEnded = false
  readonly #options: ChunkOptions
  #head: Fields = {}
  /** Whether the first chunk is out. It has the role, and waits for the first output as the vendor's own does. */
  #hasRole = false
  /** The calls under way by the index of their items. */
  readonly #calls = new Map<unknown, { at: number; kind: string; input: string }>()

  constructor(options: ChunkOptions) {
    this.#options = options
  }

  translate(event: unknown): string {
    const delta = textOf(field(event, 'delta'))
    const response = field(event, 'response')
    switch (field(event, 'type')) {
      case 'response.created':
        this.#head = chatHead(response, 'chat.completion.chunk')
        return ''
      case 'response.output_item.added':
        return this.#startCall(field(event, 'item'), field(event, 'output_index'))
      case 'response.output_text.delta':
        return this.#write({ content: delta }, event)
      case 'response.refusal.delta':
        return this.#write({ refusal: delta }, event)
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#continueCall(delta, event)
      case 'response.completed':
      case 'response.incomplete':
        return this.#finish(response)
      default:
        // The other events repeat what the deltas have said, or are about reasoning, which a chat does not show.
        return ''
    }
  }

  /** A response ends with an event of its own. */
  done(): string {
    return ''
  }

  /** Without `[DONE]`, which would make a success of it. */
  fail(error: AnswerError): string {
    this.isEnded = true
    return `data: ${JSON.stringify({ error })}\n\n`
  }

  #startCall(item: unknown, outputIndex: unknown): string {
    const called = calledBy(item)
    if (called === null) return ''
    const [kind, input] = called
    const at = this.#calls.size
    this.#calls.set(outputIndex, { at, kind, input })
    const call = { index: at, id: field(item, 'call_id'), type: kind }
    const started = { tool_calls: [{ ...call, [kind]: { name: field(item, 'name'), [input]: '' } }] }
    if (this.#hasRole) return this.#chunk([choiceOf(started)])
    this.#hasRole = true
    return this.#chunk([choiceOf({ role: 'assistant', content: null, ...started, refusal: null })])
  }

  #continueCall(delta: string, event: unknown): string {
    const call = this.#calls.get(field(event, 'output_index'))
    if (call === undefined) return ''
    return this.#write({ tool_calls: [{ index: call.at, [call.kind]: { [call.input]: delta } }] }, event)
  }

  /** A chunk of output, and before the first one the chunk with the role. */
  #write(delta: Fields, event: unknown): string {
    const logprobs = listOf(field(event, 'logprobs'))
    const choice = {
      ...choiceOf(delta),
      ...(logprobs.length > 0 && { logprobs: { content: logprobs, refusal: null } }),
    }
    return this.#writeRole() + this.#chunk([choice], field(event, 'obfuscation'))
  }

  #writeRole(): string {
    if (this.#hasRole) return ''
    this.#hasRole = true
    return this.#chunk([choiceOf({ role: 'assistant', content: '', refusal: null })])
  }

  #finish(response: unknown): string {
    this.isEnded = true
    this.#head = chatHead(response, 'chat.completion.chunk')
    const last = choiceOf({}, finishReasonOf(response, this.#calls.size > 0))
    const usage = usageToChat(field(response, 'usage'))
    const withUsage = this.#options.includeUsage && usage !== null
    return `${this.#writeRole()}${this.#chunk([last])}${withUsage ? this.#chunk([], null, usage) : ''}data: [DONE]\n\n`
  }

  #chunk(choices: Fields[], obfuscation: unknown = null, usage: Fields | null = null): string {
    const { includeUsage, includeObfuscation } = this.#options
    const chunk = {
      ...this.#head,
      choices,
      ...(includeUsage && { usage }),
      ...(includeObfuscation && typeof obfuscation === 'string' && { obfuscation }),
    }
    return `data: ${JSON.stringify(chunk)}\n\n`
  }
}

function choiceOf(delta: Fields, finishReason: string | null = null): Fields {
  return { index: 0, delta, finish_reason: finishReason }
}
