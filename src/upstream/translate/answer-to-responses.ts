/** A chat completion as a response. */
import { field } from '../../wire/field.ts'
import { type Fields, listOf } from './json.ts'
import { inputOf, newCall, newMessage, type OutputItem, piecesOf } from './output-item.ts'
import { endedResponse, startedResponse } from './response-object.ts'

/** `request` is the caller's. Only the first choice counts: a Responses request cannot ask for more. */
export function answerToResponses(chat: unknown, request: Fields): Fields {
  const [choice] = listOf(field(chat, 'choices'))
  const message = field(choice, 'message')
  const id = field(chat, 'id')
  const items: OutputItem[] = []
  const parts = piecesOf(message, field(choice, 'logprobs'))
  if (parts.length > 0) items.push({ ...newMessage(id, 0), parts })
  for (const call of listOf(field(message, 'tool_calls'))) {
    items.push({ ...newCall(id, items.length, call), input: inputOf(call) })
  }
  const started = startedResponse(chat, request)
  return endedResponse(started, field(choice, 'finish_reason'), items, field(chat, 'usage'))
}
