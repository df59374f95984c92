/**
 * Meters a stream of the Responses API. Its last event says that it is the last, and carries the usage unasked. Each event
 * is one line of JSON; the meter keeps only the event that is under way.
 */
import { field } from '../wire/field.ts'
import { parseUsage, type Usage } from '../wire/usage.ts'
import type { Meter } from './meter.ts'

/**
 * Characters of the longest event that is parsed. The first and last events repeat the instructions and the tools, and the
 * last one the whole answer; the model's context hardly allows a longer one.
 */
export const EVENT_CHARACTERS_MAX = 1024 * 1024

const NOTHING: Uint8Array = new Uint8Array()
/** JSON text has no line feed, so no text of a model can contain this. */
const EVENT_START = /\ndata: ?\{/
const LAST_EVENT = /^(response\.(completed|incomplete|failed)|error)$/

export class ResponseMeter implements Meter {
  events = 0
  readonly #decoder = new TextDecoder()
  /** The text since the start of the last event. The line feed stands for the beginning of the stream. */
  #text = '\n'
  #isBlind = false

  get usage(): Usage | null {
    return parseUsage(field(field(this.#lastEvent(), 'response'), 'usage'))
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
        this.#isBlind = false
      }
    }
    if (this.#text.length > EVENT_CHARACTERS_MAX) {
      this.#text = ''
      this.#isBlind = true
    }
    return [chunk]
  }

  /** A blind meter has not seen the end, and so does not call the stream broken. */
  end(): { rest: Uint8Array; isComplete: boolean } {
    const event = this.#lastEvent()
    const isError = field(event, 'error') != null
    return {
      rest: NOTHING,
      isComplete: this.#isBlind || isError || LAST_EVENT.test(String(field(event, 'type'))),
    }
  }

  #lastEvent(): unknown {
    const [line] = this.#text.split('\n', 1)
    try {
      return JSON.parse(`{${line}`)
    } catch {
      return null
    }
  }
}
