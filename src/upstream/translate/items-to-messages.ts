/** The items of a Responses input as the messages of a chat. */
import { field } from '../../wire/field.ts'
import type { Path } from '../../wire/parameter-text.ts'
import type { Fields } from './json.ts'
import type { Turn } from './messages-to-items.ts'
import { contentToChat } from './parts.ts'
import { refuseOthers, Untranslatable } from './untranslatable.ts'

/** What an item of an answer says of itself when it comes back. A chat has no place for it, and no model needs it. */
const OF_THE_ANSWER = ['id', 'status', 'phase']

/** @throws Untranslatable */
export function itemsToMessages(input: unknown): Turn[] {
  if (!Array.isArray(input)) return [{ origin: ['input'], turn: { role: 'user', content: input } }]
  const items: readonly unknown[] = input
  const turns: Turn[] = []
  /** The calls of the assistant's message under way. Calls that follow an answer's text belong to its message. */
  let calls: Fields[] | null = null
  let last: Fields | null = null
  for (const [at, item] of items.entries()) {
    const origin = ['input', at]
    const type = field(item, 'type') ?? 'message'
    // The reasoning of one model is of no use to another, and a chat cannot carry it.
    if (type === 'reasoning') continue
    if (type === 'function_call' || type === 'custom_tool_call') {
      const call = itemToCall(item, type, origin)
      if (calls === null) {
        calls = []
        if (last?.['role'] !== 'assistant') {
          last = { role: 'assistant', content: null }
          turns.push({ origin, turn: last })
        }
        last['tool_calls'] = calls
      }
      calls.push(call)
      continue
    }
    calls = null
    last = type === 'message' ? itemToMessage(item, origin) : outputToMessage(item, type, origin)
    turns.push({ origin, turn: last })
  }
  return turns
}

function itemToMessage(item: unknown, origin: Path): Fields {
  const role = field(item, 'role')
  refuseOthers(item, origin, ['type', 'role', 'content', ...OF_THE_ANSWER])
  return { role, content: contentToChat(field(item, 'content'), [...origin, 'content']) }
}

function itemToCall(item: unknown, type: 'function_call' | 'custom_tool_call', origin: Path): Fields {
  const [kind, input] = type === 'function_call' ? ['function', 'arguments'] : ['custom', 'input']
  refuseOthers(item, origin, ['type', 'call_id', 'name', input, ...OF_THE_ANSWER])
  return {
    id: field(item, 'call_id'),
    type: kind,
    [kind]: { name: field(item, 'name'), [input]: field(item, input) },
  }
}

/** The result of a call. Chat completions take only text there. */
function outputToMessage(item: unknown, type: unknown, origin: Path): Fields {
  if (type !== 'function_call_output' && type !== 'custom_tool_call_output') {
    throw new Untranslatable([...origin, 'type'])
  }
  refuseOthers(item, origin, ['type', 'call_id', 'output', ...OF_THE_ANSWER])
  const content = contentToChat(field(item, 'output'), [...origin, 'output'], true)
  return { role: 'tool', tool_call_id: field(item, 'call_id'), content }
}
