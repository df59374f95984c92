/** A reply as the events of a response stream, made one by one as they are sent. */

import type { Envelope } from '../model/envelope.ts'
import { obfuscation } from '../model/pieces.ts'
import type { Part } from '../delivery.ts'
import type { Reply } from '../model/reply.ts'
import {
  outputItems,
  outputText,
  responseObject,
  statusOf,
  type Request,
  type ResponseItem,
} from './response-object.ts'
import type { Random } from '../model/seeded-random.ts'

type Event = Record<string, unknown> & { readonly type: string }

/** What is streamed of an item, by its type: the field that fills up and the name of the events that fill it. */
const FILLED: Readonly<Record<string, { readonly field: string; readonly events: string }>> = {
  message: { field: 'text', events: 'response.output_text' },
  function_call: { field: 'arguments', events: 'response.function_call_arguments' },
  custom_tool_call: { field: 'input', events: 'response.custom_tool_call_input' },
}

/** Only the pieces of the text are paced. The last event is no chunk, so that a scripted end comes before it. */
export function* responseEvents(
  envelope: Envelope,
  reply: Reply,
  request: Request,
  usage: object | null,
  random: Random,
): Generator<Part> {
  let number = 0
  const part = ({ type, ...fields }: Event, isLast = false): Part => {
    const data = JSON.stringify({ type, sequence_number: number++, ...fields })
    return {
      text: `event: ${type}\ndata: ${data}\n\n`,
      isChunk: !isLast,
      isPaced: type.endsWith('.delta'),
    }
  }
  const begun = responseObject(envelope, request, 'in_progress', [], null)
  yield part({ type: 'response.created', response: begun })
  yield part({ type: 'response.in_progress', response: begun })
  const output = outputItems(reply, request, random)
  const pieces = reply.choices[0]?.pieces ?? []
  for (const [index, item] of output.entries()) {
    for (const event of itemEvents(item, index, pieces, random)) yield part(event)
  }
  const status = statusOf(reply)
  const response = responseObject(envelope, request, status, output, usage)
  yield part({ type: `response.${status}`, response }, true)
}

function* itemEvents(
  item: ResponseItem,
  output_index: number,
  pieces: readonly string[],
  random: Random,
): Generator<Event> {
  const filled = FILLED[item.type]
  yield { type: 'response.output_item.added', output_index, item: emptied(item) }
  if (filled !== undefined) {
    const { field, events } = filled
    const isMessage = item.type === 'message'
    const place = { item_id: item.id, output_index, ...(isMessage ? { content_index: 0 } : {}) }
    const whole = pieces.join('')
    const logprobs = isMessage ? { logprobs: [] } : {}
    if (isMessage) yield { type: 'response.content_part.added', ...place, part: outputText('') }
    for (const delta of pieces) {
      yield { type: `${events}.delta`, ...place, delta, ...logprobs, obfuscation: obfuscation(random) }
    }
    yield { type: `${events}.done`, ...place, [field]: whole, ...logprobs }
    if (isMessage) yield { type: 'response.content_part.done', ...place, part: outputText(whole) }
  }
  yield { type: 'response.output_item.done', output_index, item }
}

/** An item as it is announced: nothing said yet. */
function emptied(item: ResponseItem): ResponseItem {
  const filled = FILLED[item.type]
  if (filled === undefined) return item
  const nothing = item.type === 'message' ? { content: [] } : { [filled.field]: '' }
  return { ...item, ...nothing, status: 'in_progress' }
}
