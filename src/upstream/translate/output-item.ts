/** An item of a response's output, made of what a chat answer has: a message with its parts, or a call of a tool. */
import { field } from '../../wire/field.ts'
import { itemId } from './answer-id.ts'
import { type Fields, listOf, textOf } from './json.ts'

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

export type OutputItem = MessageItem | CallItem

export interface MessageItem {
  kind: 'message'
  id: string
  parts: OutputPart[]
}

/** A text or a refusal. */
export interface OutputPart {
  kind: 'output_text' | 'refusal'
  text: string
  logprobs: unknown[]
}

export interface CallItem {
  kind: 'function_call' | 'custom_tool_call'
  id: string
  callId: string
  name: string
  /** The arguments of a function in JSON, or the text for a custom tool. */
  input: string
}

export function newMessage(chatId: unknown, index: number): MessageItem {
  return { kind: 'message', id: itemId('msg', chatId, index), parts: [] }
}

/** The call of a whole answer, or of the first chunk of a call. `index` is that of the item. */
export function newCall(chatId: unknown, index: number, call: unknown): CallItem {
  const isCustom = field(call, 'custom') !== undefined
  return {
    kind: isCustom ? 'custom_tool_call' : 'function_call',
    id: itemId(isCustom ? 'ctc' : 'fc', chatId, index),
    callId: textOf(field(call, 'id')) || itemId('call', chatId, index),
    name: textOf(field(field(call, isCustom ? 'custom' : 'function'), 'name')),
    input: '',
  }
}

/** The input of a call, or the next piece of it. */
export function inputOf(call: unknown): string {
  return textOf(field(field(call, 'function'), 'arguments')) || textOf(field(field(call, 'custom'), 'input'))
}

export function newPart(kind: OutputPart['kind']): OutputPart {
  return { kind, text: '', logprobs: [] }
}

/** The content and the refusal of a chat's message or delta, with the log probabilities of its choice. */
export function piecesOf(message: unknown, logprobs: unknown): OutputPart[] {
  const content = textOf(field(message, 'content'))
  const refusal = textOf(field(message, 'refusal'))
  const pieces: OutputPart[] = []
  if (content !== '')
    pieces.push({ kind: 'output_text', text: content, logprobs: [...listOf(field(logprobs, 'content'))] })
  if (refusal !== '') pieces.push({ kind: 'refusal', text: refusal, logprobs: [] })
  return pieces
}

/** The item as a response has it. */
export function renderItem(item: OutputItem, status: ItemStatus): Fields {
  const { id, kind: type } = item
  if (item.kind === 'message') {
    return { id, type, status, content: item.parts.map(renderPart), role: 'assistant' }
  }
  const { callId, name, input } = item
  return { id, type, status, call_id: callId, name, [inputName(item)]: input }
}

export function renderPart({ kind: type, text, logprobs }: OutputPart): Fields {
  return type === 'refusal' ? { type, refusal: text } : { type, annotations: [], logprobs, text }
}

/** The name of a call's input, as a field of the item. */
export function inputName({ kind }: CallItem): 'arguments' | 'input' {
  return kind === 'function_call' ? 'arguments' : 'input'
}
