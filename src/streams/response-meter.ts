/**
 * Meters a stream of the Responses API. Its last event says that it is the last, and carries the usage unasked. Each event
 * is one line of JSON; the meter keeps only the event that is under way.
 */
import { field } from '../wire/field.ts'
import { parseJson } from '../wire/parse-json.ts'
import { type Usage, usageOfAnswer } from '../wire/usage.ts'
import { type Meter, NO_BYTES } from './meter.ts'
import { usageInTail } from './usage-in-tail.ts'

/**
 * Characters of the longest event that is parsed. The first and last events repeat the instructions and the tools, and the
 * last one the whole answer. Of a longer event only the head and the tail are kept.
 */
export const EVENT_CHARACTERS_MAX = 1024 * 1024
/** Characters of a long event's head, which has its type. */
const HEAD_CHARACTERS = 1024
/** Characters of a long event's tail. Behind the usage stand at most `user` and 8 KiB of metadata. */
const TAIL_CHARACTERS = 32 * 1024

/** JSON text has no line feed, so no text of a model can contain this. */
const EVENT_START = /\ndata: ?\{/
const LAST_EVENT = /^(response\.(completed|incomplete|failed)|error)$/

export class ResponseMeter implements Meter {
  events = 0
  readonly #decoder = new TextDecoder()
  /** The text since the start of the last event. The line feed stands for the beginning of the stream. */
  #text = '\n'
  /** The head of a long event, of which the text is only the tail; `null` for any other event. */
  #longHead: string | null = null

  get usage(): Usage | null {
    if (this.#longHead !== null) return this.#hasEnded() ? usageInTail(this.#lastLine()) : null
    return usageOfAnswer(field(this.#lastEvent(), 'response'))
  }

  /** The bytes as they are. Text within an event is only stored: a search in each chunk would take quadratic time. */
  pass(chunk: Uint8Array): readonly Uint8Array[] {
    const text = this.#decoder.decode(chunk, { stream: true })
    this.#text += text
    if (text.includes('\n')) {
      const [, ...events] = this.#text.split(EVENT_START)
      this.events += events.length
      const last = events.at(-1)
      if (last !== undefined) {
        this.#text = last
        this.#longHead = null
      }
    }
    if (this.#text.length > (this.#longHead === null ? EVENT_CHARACTERS_MAX : 2 * TAIL_CHARACTERS)) {
      this.#longHead ??= this.#text.slice(0, HEAD_CHARACTERS)
      this.#text = this.#text.slice(-TAIL_CHARACTERS)
    }
    return [chunk]
  }

  end(): { rest: Uint8Array; isComplete: boolean } {
    return { rest: NO_BYTES, isComplete: this.#hasEnded() }
  }

  #hasEnded(): boolean {
    if (this.#longHead !== null) {
      const [, type = ''] = /"type"\s*:\s*"([^"]*)"/.exec(this.#longHead) ?? []
      // A long event is not parsed, so its line must have ended.
      return LAST_EVENT.test(type) && this.#text.includes('\n')
    }
    const event = this.#lastEvent()
    return field(event, 'error') != null || LAST_EVENT.test(String(field(event, 'type')))
  }

  #lastLine(): string {
    return this.#text.split('\n', 1)[0] ?? ''
  }

  #lastEvent(): unknown {
    return parseJson(`{${this.#lastLine()}`)
  }
}
