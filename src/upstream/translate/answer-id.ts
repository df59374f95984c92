/** Ids of translated answers. They are made of the upstream's own id, so that one answer always has the same ids. */
import { textOf } from './json.ts'

export function chatId(responseId: unknown): string {
  return `chatcmpl-${coreOf(responseId)}`
}

export function responseId(chatId: unknown): string {
  return itemId('resp', chatId)
}

/** The id of a response or of one of its items, such as `msg_…_0`. */
export function itemId(prefix: string, chatId: unknown, index?: number): string {
  return `${prefix}_${coreOf(chatId)}${index === undefined ? '' : `_${index}`}`
}

function coreOf(id: unknown): string {
  return textOf(id).replace(/^(chatcmpl-|resp_)/, '')
}
