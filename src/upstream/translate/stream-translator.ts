/** Translates a stream in passing: bytes of the upstream in, bytes for the caller out. */
import { parseJson } from '../../wire/parse-json.ts'
import { type AnswerError, answerErrorOf, errorOfEvent } from './answer-error.ts'
import { EventReader } from './event-reader.ts'

/** What turns the events of one format into the other's. Each method returns the text to send, which may be empty. */
export interface EventTranslator {
  /** Takes the parsed data of an event that tells no error. */
  translate(event: unknown): string
  /** Takes `[DONE]`, the last event of a chat stream. */
  done(): string
  fail(error: AnswerError): string
  /** Whether the last event is out. The rest of the stream is not read. */
  readonly isEnded: boolean
}

export class StreamTranslator {
  readonly #reader = new EventReader()
  readonly #encoder = new TextEncoder()
  readonly #events: EventTranslator
  readonly #toCaller: (error: AnswerError) => AnswerError

  /** `toCaller` names the parameter of an error as the caller does. */
  constructor(events: EventTranslator, toCaller: (error: AnswerError) => AnswerError = (error) => error) {
    this.#events = events
    this.#toCaller = toCaller
  }

  /** Whether the answer's last event is out, or an error in its place. */
  get isComplete(): boolean {
    return this.#events.isEnded
  }

  /** The bytes to send for a chunk, none or many. A comment goes on as it is, between two events. */
  pass(chunk: Uint8Array): Uint8Array {
    return this.#encoder.encode(this.#translate(this.#reader.read(chunk)))
  }

  /** The bytes to send at the upstream's end. A stream that was cut gets no last event: whoever relays it sees that. */
  end(): Uint8Array {
    return this.#encoder.encode(this.#translate(this.#reader.end()))
  }

  #translate(found: ReturnType<EventReader['read']>): string {
    let text = ''
    for (const read of found) {
      if (this.#events.isEnded) return text
      text += 'comment' in read ? `${read.comment}\n\n` : this.#translateData(read.data)
    }
    if (this.#reader.isTooLong && !this.#events.isEnded) text += this.#events.fail(answerErrorOf(null))
    return text
  }

  #translateData(data: string): string {
    if (data === '[DONE]') return this.#events.done()
    const event = parseJson(data)
    const error = event === undefined ? answerErrorOf(null) : errorOfEvent(event)
    return error === null ? this.#events.translate(event) : this.#events.fail(this.#toCaller(error))
  }
}
