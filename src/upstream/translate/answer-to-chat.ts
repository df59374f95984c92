/** A response as a chat completion. */
import { field } from '../../wire/field.ts'
import { chatId } from './answer-id.ts'
import { type Fields, listOf, present, textOf } from './json.ts'
import { usageToChat } from './usage.ts'

/** The fields that a completion and each chunk of its stream have in common. */
export function chatHead(response: unknown, object: 'chat.completion' | 'chat.completion.chunk'): Fields {
  return present({
    id: chatId(field(response, 'id')),
    object,
    created: field(response, 'created_at'),
    model: field(response, 'model'),
    service_tier: field(response, 'service_tier'),
  })
}

/** `response` has not failed. */
export function answerToChat(response: unknown): Fields {
  const items = listOf(field(response, 'output'))
  const parts = items.flatMap((item) => listOf(field(item, 'content')).filter(() => isMessage(item)))
  const calls = items.flatMap(callOf)
  const logprobs = parts.flatMap((part) => listOf(field(part, 'logprobs')))
  const content = joined(parts, 'text')
  const refusal = joined(parts, 'refusal')
  const hasText = content !== '' || (calls.length === 0 && refusal === '')
  return {
    ...chatHead(response, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: hasText ? content : null,
          refusal: refusal || null,
          annotations: [],
          ...(calls.length > 0 && { tool_calls: calls }),
        },
        logprobs: logprobs.length > 0 ? { content: logprobs, refusal: null } : null,
        finish_reason: finishReasonOf(response, calls.length > 0),
      },
    ],
    ...present({ usage: usageToChat(field(response, 'usage')) }),
  }
}

/** Why the answer ended, in the words of chat completions. */
export function finishReasonOf(response: unknown, hasCalls: boolean): string {
  const details = field(response, 'incomplete_details')
  if (details == null) return hasCalls ? 'tool_calls' : 'stop'
  return field(details, 'reason') === 'content_filter' ? 'content_filter' : 'length'
}

/** The kind of tool that an item calls, and the name of its input; `null` for any other item. */
export function calledBy(
  item: unknown,
): readonly ['function', 'arguments'] | readonly ['custom', 'input'] | null {
  const type = field(item, 'type')
  if (type === 'function_call') return ['function', 'arguments']
  return type === 'custom_tool_call' ? ['custom', 'input'] : null
}

function callOf(item: unknown): Fields[] {
  const called = calledBy(item)
  if (called === null) return []
  const [kind, input] = called
  const fields = { name: field(item, 'name'), [input]: textOf(field(item, input)) }
  return [{ id: field(item, 'call_id'), type: kind, [kind]: fields }]
}

function isMessage(item: unknown): boolean {
  return field(item, 'type') === 'message'
}

function joined(parts: readonly unknown[], name: string): string {
  return parts.map((part) => textOf(field(part, name))).join('')
}
