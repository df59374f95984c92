/** The messages of a chat as the items of a Responses input. */
import { field } from '../../wire/field.ts'
import type { Path } from '../../wire/parameter-text.ts'
import { type Fields, listOf } from './json.ts'
import { contentToResponses } from './parts.ts'
import { refuseOthers, Untranslatable } from './untranslatable.ts'

/** An item or a message with the place in the caller's request that it comes from. */
export interface Turn {
  turn: Fields
  origin: Path
}

/** @throws Untranslatable */
export function messagesToItems(messages: unknown): Turn[] {
  /** Calls of custom tools, whose results are items of their own type. */
  const customCalls = new Set<unknown>()
  return listOf(messages).flatMap((message, at) => {
    const origin = ['messages', at]
    const role = field(message, 'role')
    switch (role) {
      case 'system':
      case 'developer':
      case 'user': {
        refuseOthers(message, origin, ['role', 'content'])
        const content = contentToResponses(field(message, 'content'), [...origin, 'content'], 'input_text')
        return [{ origin, turn: { role, content } }]
      }
      case 'assistant':
        return assistantTurns(message, origin, customCalls)
      case 'tool': {
        refuseOthers(message, origin, ['role', 'content', 'tool_call_id'])
        const callId = field(message, 'tool_call_id')
        const type = customCalls.has(callId) ? 'custom_tool_call_output' : 'function_call_output'
        const output = contentToResponses(field(message, 'content'), [...origin, 'content'], 'input_text')
        return [{ origin, turn: { type, call_id: callId, output } }]
      }
      default:
        throw new Untranslatable([...origin, 'role'])
    }
  })
}

/** A message with calls is an item for its content and an item for each call. */
function assistantTurns(message: unknown, origin: Path, customCalls: Set<unknown>): Turn[] {
  refuseOthers(message, origin, ['role', 'content', 'refusal', 'tool_calls'])
  const calls = listOf(field(message, 'tool_calls')).map((call, at) => {
    const path = [...origin, 'tool_calls', at]
    const turn = callToItem(call, path)
    if (turn['type'] === 'custom_tool_call') customCalls.add(turn['call_id'])
    return { turn, origin: path }
  })
  const content = assistantContent(message, origin)
  // A message without content is there for its calls.
  return content === '' && calls.length > 0
    ? calls
    : [{ origin, turn: { role: 'assistant', content } }, ...calls]
}

/** The refusal of a message is a part of its content. */
function assistantContent(message: unknown, origin: Path): unknown {
  const content = contentToResponses(field(message, 'content'), [...origin, 'content'], 'output_text')
  const refusal = field(message, 'refusal')
  if (!refusal) return content
  const text = content === '' ? [] : [{ type: 'output_text', text: content }]
  return [...(Array.isArray(content) ? listOf(content) : text), { type: 'refusal', refusal }]
}

function callToItem(call: unknown, path: Path): Fields {
  const type = field(call, 'type')
  if (type !== 'function' && type !== 'custom') throw new Untranslatable([...path, 'type'])
  const called = field(call, type)
  const input = type === 'function' ? 'arguments' : 'input'
  refuseOthers(call, path, ['id', 'type', type])
  refuseOthers(called, [...path, type], ['name', input])
  return {
    type: type === 'function' ? 'function_call' : 'custom_tool_call',
    call_id: field(call, 'id'),
    name: field(called, 'name'),
    [input]: field(called, input),
  }
}
