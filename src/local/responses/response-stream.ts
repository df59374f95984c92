/** Writes a reply as the events of a response stream. Each event is made when it is sent. */

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

/** The field of an item that is streamed in deltas, and the name of their events, by the item's type. */
const STREAMED_FIELDS: Readonly<Record<string, { readonly field: string; readonly events: string }>> = {
  message: { field: 'text', events: 'response.output_text' },
  function_call: { field: 'arguments', events: 'response.function_call_arguments' },
  custom_tool_call: { field: 'input', events: 'response.custom_tool_call_input' },
}

/** Only the deltas are paced. The last event is no chunk, so that a scripted end comes before it. */
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
  const created = responseObject(envelope, request, 'in_progress', [], null)
  yield part({ type: 'response.created', response: created })
  yield part({ type: 'response.in_progress', response: created })
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
  const streamed = STREAMED_FIELDS[item.type]
  yield { type: 'response.output_item.added', output_index, item: inProgress(item) }
  if (streamed !== undefined) {
    const { field, events } = streamed
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

/** The item of the first event: its streamed field is still empty. */
function inProgress(item: ResponseItem): ResponseItem {
  const streamed = STREAMED_FIELDS[item.type]
  if (streamed === undefined) return item
  const empty = item.type === 'message' ? { content: [] } : { [streamed.field]: '' }
  return { ...item, ...empty, status: 'in_progress' }
}
