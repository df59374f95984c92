/**
 * Meters a stream of chat completions: finds the usage, counts the events, and knows whether the stream had its last one. It
 * never changes a byte. Where the caller had not asked for usage, it leaves out the one event that the gateway asked for.
 */
import { field } from '../wire/field.ts'
import { type Usage, usageOfAnswer } from '../wire/usage.ts'
import { type Meter, NO_BYTES } from './meter.ts'
import { USAGE_START, usageInTail } from './usage-in-tail.ts'

/** Bytes of the longest event that is held back and parsed. A longer one is passed on, and only its tail is read. */
export const EVENT_BYTES_MAX = 64 * 1024
/** Bytes of that tail. A usage takes some 300. */
export const EVENT_TAIL_BYTES = 4 * 1024

export class ChatMeter implements Meter {
  usage: Usage | null = null
  events = 0
  readonly #leaveOutUsage: boolean
  readonly #decoder = new TextDecoder()
  /** The beginning of an event whose end has not come yet. */
  #partial = NO_BYTES
  #lastText = ''
  /** The tail of a long event whose end has not come yet. */
  #longTail: Uint8Array | null = null

  /** `leaveOutUsage`: the caller had not asked for the usage event. */
  constructor({ leaveOutUsage }: { leaveOutUsage: boolean }) {
    this.#leaveOutUsage = leaveOutUsage
  }

  /**
   * The bytes to send on for a chunk. Where an event may have to be left out, only whole events are sent on. A client cannot
   * use half an event.
   */
  pass(chunk: Uint8Array): readonly Uint8Array[] {
    if (this.#longTail !== null) return this.#passLongEvent(this.#longTail, chunk)
    const bytes = this.#partial.length === 0 ? chunk : concatenate(this.#partial, chunk)
    const end = endOfLastEvent(bytes)
    const kept = end === 0 ? [] : this.#read(bytes.subarray(0, end))
    this.#partial = bytes.subarray(end)
    if (this.#partial.length > EVENT_BYTES_MAX) {
      kept.push(this.#partial)
      this.#longTail = this.#partial.slice(-EVENT_TAIL_BYTES)
      this.#partial = NO_BYTES
    }
    return this.#leaveOutUsage ? kept : [chunk]
  }

  end(): { rest: Uint8Array; isComplete: boolean } {
    const text = this.#lastText + this.#decoder.decode(this.#partial)
    const isComplete =
      this.#longTail === null &&
      (/(^|\n)data: ?\[DONE\]\s*$/.test(text) || /(^|\n)data: ?\{"error":[^\n]*\s*$/.test(text))
    return { rest: this.#leaveOutUsage && isComplete ? this.#partial : NO_BYTES, isComplete }
  }

  /** Passes a long event on as it comes. The bytes behind its end are metered as usual. */
  #passLongEvent(tail: Uint8Array, chunk: Uint8Array): readonly Uint8Array[] {
    const bytes = concatenate(tail, chunk)
    const end = endOfFirstEvent(bytes)
    if (end === 0) {
      this.#longTail = bytes.slice(-EVENT_TAIL_BYTES)
      return [chunk]
    }
    this.#longTail = null
    this.#lastText = this.#decoder.decode(bytes.subarray(0, end))
    this.usage = usageInTail(this.#lastText) ?? this.usage
    this.events += 1
    const rest = chunk.subarray(end - tail.length)
    const kept = rest.length === 0 ? [] : this.pass(rest)
    return this.#leaveOutUsage ? [chunk.subarray(0, end - tail.length), ...kept] : [chunk]
  }

  /** Reads whole events, and returns those to keep. */
  #read(bytes: Uint8Array): Uint8Array[] {
    const text = this.#decoder.decode(bytes)
    this.#lastText = text
    if (!USAGE_START.test(text)) {
      this.events += countOf(text, '\n\n') + countOf(text, '\n\r\n')
      return [bytes]
    }
    const kept: Uint8Array[] = []
    for (let from = 0; from < bytes.length;) {
      const event = bytes.subarray(from, from + (endOfFirstEvent(bytes.subarray(from)) || Infinity))
      from += event.length
      this.events += 1
      if (!this.#takeUsage(this.#decoder.decode(event))) kept.push(event)
    }
    return this.#leaveOutUsage ? kept : [bytes]
  }

  /** Takes the usage from an event. Returns true for an event without choices, which has nothing but the usage. */
  #takeUsage(event: string): boolean {
    if (!USAGE_START.test(event)) return false
    try {
      const data: unknown = JSON.parse(event.slice(event.indexOf('{')))
      this.usage = usageOfAnswer(data) ?? this.usage
      const choices = field(data, 'choices')
      return Array.isArray(choices) && choices.length === 0
    } catch {
      return false
    }
  }
}

const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/** The offset behind the last event that is whole; 0 where none is. */
function endOfLastEvent(bytes: Uint8Array): number {
  for (let i = bytes.length - 1; i > 0; i--) if (isEventEnd(bytes, i)) return i + 1
  return 0
}

/** The offset behind the first event that is whole; 0 where none is. */
function endOfFirstEvent(bytes: Uint8Array): number {
  for (let i = 1; i < bytes.length; i++) if (isEventEnd(bytes, i)) return i + 1
  return 0
}

/** A line feed after an empty line, whose own end may be LF or CRLF. */
function isEventEnd(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== LINE_FEED) return false
  return bytes[at - 1] === LINE_FEED || (bytes[at - 1] === CARRIAGE_RETURN && bytes[at - 2] === LINE_FEED)
}

function concatenate(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(left.length + right.length)
  bytes.set(left)
  bytes.set(right, left.length)
  return bytes
}

function countOf(text: string, mark: string): number {
  let count = 0
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + mark.length)) count += 1
  return count
}
