/** The chunks of a chat completion as events of a response. */
import { field } from '../../wire/field.ts'
import { type AnswerError, answerErrorOf } from './answer-error.ts'
import { type Fields, listOf } from './json.ts'
import {
  type CallItem,
  inputName,
  inputOf,
  type MessageItem,
  newCall,
  newMessage,
  newPart,
  type OutputItem,
  type OutputPart,
  piecesOf,
  renderItem,
  renderPart,
} from './output-item.ts'
import { endedResponse, startedResponse, statusOf } from './response-object.ts'
import type { EventTranslator } from './stream-translator.ts'

/** Characters of an answer that are kept for the last event, which repeats them. A longer answer fails. */
export const OUTPUT_CHARACTERS_MAX = 4 * 1024 * 1024

export class EventWriter implements EventTranslator {
  isEnded = false
  /** The caller's request, whose parameters a response repeats. */
  readonly #request: Fields
  readonly #includeObfuscation: boolean
  #sequenceNumber = 0
  /** The response before its first output; `null` until the first chunk. */
  #started: Fields | null = null
  #chatId: unknown = null
  readonly #items: OutputItem[] = []
  /** The items that have not ended. */
  readonly #open = new Set<OutputItem>()
  /** The message under way. A call ends it, and text behind the call begins another. */
  #message: MessageItem | null = null
  /** The calls by their index in the chunks. They may take turns, so each ends with the answer. */
  readonly #calls = new Map<unknown, CallItem>()
  #outputCharacters = 0
  #finishReason: unknown = null
  #usage: unknown = null
  #obfuscation: Fields = {}

  constructor(request: Fields, includeObfuscation: boolean) {
    this.#request = request
    this.#includeObfuscation = includeObfuscation
  }

  translate(chunk: unknown): string {
    const started = this.#start(chunk)
    this.#usage = field(chunk, 'usage') ?? this.#usage
    const obfuscation = field(chunk, 'obfuscation')
    this.#obfuscation = this.#includeObfuscation && typeof obfuscation === 'string' ? { obfuscation } : {}
    const choice = listOf(field(chunk, 'choices')).find((one) => field(one, 'index') === 0)
    const delta = field(choice, 'delta')
    this.#finishReason = field(choice, 'finish_reason') ?? this.#finishReason
    const texts = piecesOf(delta, field(choice, 'logprobs')).map((piece) => this.#addText(piece))
    const calls = listOf(field(delta, 'tool_calls')).map((call) => this.#addToCall(call))
    const written = [started, ...texts, ...calls].join('')
    return this.#outputCharacters > OUTPUT_CHARACTERS_MAX ? this.fail(answerErrorOf(null)) : written
  }

  /** The usage comes behind the finish reason, so only `[DONE]` ends the response. */
  done(): string {
    if (this.#started === null || this.#finishReason === null) return this.fail(answerErrorOf(null))
    this.isEnded = true
    const response = endedResponse(this.#started, this.#finishReason, this.#items, this.#usage)
    const ends = [...this.#open].map((item) => this.#end(item))
    return ends.join('') + this.#event(`response.${response.status}`, { response })
  }

  /** The fields stand in `error` and beside it, since clients differ in where they read them. */
  fail(error: AnswerError): string {
    this.isEnded = true
    return this.#event('error', { ...error, type: 'error', error })
  }

  #start(chunk: unknown): string {
    if (this.#started !== null) return ''
    const response = startedResponse(chunk, this.#request)
    this.#started = response
    this.#chatId = field(chunk, 'id')
    return this.#event('response.created', { response }) + this.#event('response.in_progress', { response })
  }

  #addText({ kind, text, logprobs }: OutputPart): string {
    let opened = ''
    if (this.#message === null) {
      this.#message = newMessage(this.#chatId, this.#items.length)
      opened = this.#add(this.#message)
    }
    const message = this.#message
    let part = message.parts.find((one) => one.kind === kind)
    if (part === undefined) {
      part = newPart(kind)
      opened += this.#event('response.content_part.added', {
        ...this.#place(message, message.parts.push(part) - 1),
        part: renderPart(part),
      })
    }
    part.text += text
    part.logprobs.push(...logprobs)
    this.#outputCharacters += text.length
    return (
      opened +
      this.#event(`response.${kind}.delta`, {
        ...this.#place(message, message.parts.indexOf(part)),
        delta: text,
        ...(kind === 'output_text' && { logprobs }),
        ...this.#obfuscation,
      })
    )
  }

  #addToCall(chunk: unknown): string {
    let opened = ''
    let call = this.#calls.get(field(chunk, 'index'))
    if (call === undefined) {
      opened = this.#endMessage()
      call = newCall(this.#chatId, this.#items.length, chunk)
      this.#calls.set(field(chunk, 'index'), call)
      opened += this.#add(call)
    }
    const delta = inputOf(chunk)
    if (delta === '') return opened
    call.input += delta
    this.#outputCharacters += delta.length
    return (
      opened + this.#event(`${eventsOf(call)}.delta`, { ...this.#place(call), delta, ...this.#obfuscation })
    )
  }

  #add(item: OutputItem): string {
    this.#open.add(item)
    const fields = { output_index: this.#items.push(item) - 1, item: renderItem(item, 'in_progress') }
    return this.#event('response.output_item.added', fields)
  }

  #endMessage(): string {
    const message = this.#message
    this.#message = null
    return message === null ? '' : this.#end(message)
  }

  #end(item: OutputItem): string {
    this.#open.delete(item)
    const streamed = item.kind === 'message' ? this.#endParts(item) : this.#endInput(item)
    const output_index = this.#items.indexOf(item)
    // An item that ends before the answer is whole. Only the last one can be cut.
    const isLast = this.isEnded && item === this.#items.at(-1)
    const status = isLast ? statusOf(this.#finishReason) : 'completed'
    return (
      streamed + this.#event('response.output_item.done', { output_index, item: renderItem(item, status) })
    )
  }

  #endParts(message: MessageItem): string {
    const ends = message.parts.map((part, at) => {
      const place = this.#place(message, at)
      const { type: _type, annotations: _none, ...said } = renderPart(part)
      return (
        this.#event(`response.${part.kind}.done`, { ...place, ...said }) +
        this.#event('response.content_part.done', { ...place, part: renderPart(part) })
      )
    })
    return ends.join('')
  }

  #endInput(call: CallItem): string {
    return this.#event(`${eventsOf(call)}.done`, { ...this.#place(call), [inputName(call)]: call.input })
  }

  /** Where in the response an event belongs. */
  #place(item: OutputItem, contentIndex?: number): Fields {
    const place = { item_id: item.id, output_index: this.#items.indexOf(item) }
    return contentIndex === undefined ? place : { ...place, content_index: contentIndex }
  }

  #event(type: string, fields: Fields): string {
    const data = JSON.stringify({ type, sequence_number: this.#sequenceNumber++, ...fields })
    return `event: ${type}\ndata: ${data}\n\n`
  }
}

function eventsOf(call: CallItem): string {
  return `response.${call.kind === 'function_call' ? 'function_call_arguments' : 'custom_tool_call_input'}`
}
