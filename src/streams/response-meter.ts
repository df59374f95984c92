/**
 * Reads a stream of the Responses API in passing: its last event says that it is the last, and has the usage unasked.
 * Each event stands in one line of JSON; a stream is cut into them and nothing is kept but the one that runs.
 */
import { field } from '../wire/field.ts'
import { parseUsage, type Usage } from '../wire/usage.ts'
import type { Meter } from './meter.ts'

/**
 * The first and last events repeat the instructions and the tools, and the last all of the answer. An event that is
 * longer, which the model's context hardly allows, is not looked into.
 */
export const EVENT_CHARACTERS_MAX = 1024 * 1024

const NOTHING: Uint8Array = new Uint8Array()
/** A line feed stands in no JSON, so this is in no text of a model. */
const EVENT_START = /\ndata: ?\{/
const LAST_EVENT = /^(response\.(completed|incomplete|failed)|error)$/

export class ResponseMeter implements Meter {
  events = 0
  readonly #decoder = new TextDecoder()
  /** Since the start of the last event; a line feed stands for the beginning of the stream. */
  #text = '\n'
  #isBlind = false

  get usage(): Usage | null {
    return parseUsage(field(field(this.#lastEvent(), 'response'), 'usage'))
  }

  /** The bytes as they are. Text that lies within an event is only put by: looking at each chunk would cost the square of it. */
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

  /** A blind meter has not seen the end; it does not call a stream broken that may be whole. */
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
