/**
 * Reads a chat completion stream in passing: notices the usage, counts what goes by, and knows whether the end was an end. It never
 * changes a byte; where the caller had not asked for usage, it leaves out the one event that the gateway asked for.
 */
import { field } from '../wire/field.ts'
import { parseUsage, type Usage } from '../wire/usage.ts'
import type { Meter } from './meter.ts'

/** An event that is longer is not looked into, and no event after it is left out: memory matters more. */
export const EVENT_BYTES_MAX = 64 * 1024

const NOTHING: Uint8Array = new Uint8Array()
/** Stands in no text of a model: within JSON a quote of its text has a backslash before it. */
const USAGE_MARK = '"usage":{'

export class ChatMeter implements Meter {
  /** As the upstream reported it; `null` until then. */
  usage: Usage | null = null
  /** Events that have gone by; about as many tokens, since the model sends one or a few with each. */
  events = 0
  readonly #leaveOutUsage: boolean
  readonly #decoder = new TextDecoder()
  /** The beginning of an event whose end has not come. */
  #partial = NOTHING
  #lastText = ''
  #isBlind = false

  /** `leaveOutUsage`: the caller had not asked for the usage event. */
  constructor({ leaveOutUsage }: { leaveOutUsage: boolean }) {
    this.#leaveOutUsage = leaveOutUsage
  }

  /**
   * What to send on for a chunk that came. Where an event may have to be left out, only whole events are sent: nobody
   * can use half an event, and what breaks off is then no part of the answer.
   */
  pass(chunk: Uint8Array): readonly Uint8Array[] {
    if (this.#isBlind) return [chunk]
    const bytes = this.#partial.length === 0 ? chunk : concatenate(this.#partial, chunk)
    const end = endOfLastEvent(bytes)
    this.#partial = bytes.subarray(end)
    if (this.#partial.length > EVENT_BYTES_MAX) {
      this.#isBlind = true
      return [this.#leaveOutUsage ? bytes : chunk]
    }
    const kept = end === 0 ? [] : this.#look(bytes.subarray(0, end))
    return this.#leaveOutUsage ? kept : [chunk]
  }

  /** What is left to send when the upstream has ended, and whether it had said that this is all. */
  end(): { rest: Uint8Array; isComplete: boolean } {
    const text = this.#lastText + this.#decoder.decode(this.#partial)
    // A blind meter has not seen the end; it does not call a stream broken that may be whole.
    const isComplete =
      this.#isBlind ||
      /(^|\n)data: ?\[DONE\]\s*$/.test(text) ||
      /(^|\n)data: ?\{"error":[^\n]*\s*$/.test(text)
    return { rest: this.#leaveOutUsage && isComplete && !this.#isBlind ? this.#partial : NOTHING, isComplete }
  }

  /** Looks into whole events; returns those to keep. */
  #look(bytes: Uint8Array): Uint8Array[] {
    const text = this.#decoder.decode(bytes)
    this.#lastText = text
    if (!text.includes(USAGE_MARK)) {
      this.events += countOf(text, '\n\n') + countOf(text, '\n\r\n')
      return [bytes]
    }
    const kept: Uint8Array[] = []
    for (let from = 0; from < bytes.length;) {
      const event = bytes.subarray(from, from + endOfFirstEvent(bytes.subarray(from)))
      from += event.length
      this.events += 1
      if (!this.#isUsageAlone(this.#decoder.decode(event))) kept.push(event)
    }
    return this.#leaveOutUsage ? kept : [bytes]
  }

  /** Takes the usage from an event; true for the event that has nothing else, `"choices":[]`. */
  #isUsageAlone(event: string): boolean {
    if (!event.includes(USAGE_MARK)) return false
    try {
      const data: unknown = JSON.parse(event.slice(event.indexOf('{')))
      this.usage = parseUsage(field(data, 'usage')) ?? this.usage
      const choices = field(data, 'choices')
      return Array.isArray(choices) && choices.length === 0
    } catch {
      return false
    }
  }
}

const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/** Where the event ends that ends last: behind an empty line. 0 where none does. */
function endOfLastEvent(bytes: Uint8Array): number {
  for (let i = bytes.length - 1; i > 0; i--) if (isEventEnd(bytes, i)) return i + 1
  return 0
}

function endOfFirstEvent(bytes: Uint8Array): number {
  for (let i = 1; i < bytes.length; i++) if (isEventEnd(bytes, i)) return i + 1
  return bytes.length
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
