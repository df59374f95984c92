/**
 * Bounds on the values of JSON text, checked in its bytes before they are parsed. A parsed value can take thirty times the
 * memory of its text: `{},` has three bytes.
 */
import { JSON_LEVELS_MAX } from './serializable.ts'

/** Elements of an array, or properties of an object. A conversation's messages are the longest real list. */
export const JSON_ELEMENTS_MAX = 20_000
/** Values in a body: the body itself, and the elements and properties of all levels. */
export const JSON_VALUES_MAX = 100_000

export interface JsonBounds {
  elementsMax: number
  valuesMax: number
}

const BOUNDS: JsonBounds = { elementsMax: JSON_ELEMENTS_MAX, valuesMax: JSON_VALUES_MAX }

/** The first bound that a text exceeds. */
export interface JsonExcess {
  bound: 'elements' | 'values' | 'levels'
  /** The name of the body's own parameter that has too many elements, as the text has it; `null` for other lists and bounds. */
  parameter: string | null
}

/** Bytes of a string that are read singly before the native search for its end, whose call takes as long. */
const SHORT_STRING_BYTES = 48
/** Bytes of a parameter's name that are repeated. */
const NAME_BYTES_MAX = 100

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const SPACE = 0x20

const TOO_DEEP: JsonExcess = { bound: 'levels', parameter: null }
const TOO_MANY_VALUES: JsonExcess = { bound: 'values', parameter: null }

const utf8 = new TextDecoder()

/**
 * The first bound that JSON text exceeds, or `null`. It checks no grammar: a text that is no JSON is counted like JSON up to
 * its first mistake, which is all that a parser makes values of. A MB of prose takes 0.3 ms, a fifth of the time to decode and
 * parse it, and any other text at most 4 ms.
 */
export function findExcess(bytes: Uint8Array, bounds = BOUNDS): JsonExcess | null {
  const { elementsMax, valuesMax } = bounds
  // An element has at least one byte, and a comma or a bracket. Most bodies are shorter, and are not read at all.
  if (bytes.length <= 2 * Math.min(elementsMax, valuesMax)) return null
  /** Elements of each open list, by its level. */
  const elements = new Int32Array(JSON_LEVELS_MAX + 1)
  let level = 0
  let values = 1
  let name = bytes.subarray(0, 0)
  for (let at = 0; at < bytes.length; at += 1) {
    switch (bytes[at] ?? 0) {
      case QUOTE: {
        const end = endOfString(bytes, at + 1)
        // On the first level, the last string before a list is the list's name.
        if (level === 1) name = bytes.subarray(at + 1, Math.min(end, at + 1 + NAME_BYTES_MAX))
        at = end
        break
      }
      case OPEN_BRACKET:
      case OPEN_BRACE: {
        if (level === JSON_LEVELS_MAX) return TOO_DEEP
        level += 1
        at = endOfSpace(bytes, at + 1) - 1
        const next = bytes[at + 1]
        elements[level] = next === CLOSE_BRACKET || next === CLOSE_BRACE ? 0 : 1
        values += elements[level] ?? 0
        if (values > valuesMax) return TOO_MANY_VALUES
        break
      }
      case COMMA: {
        const count = (elements[level] ?? 0) + 1
        if (count > elementsMax)
          return { bound: 'elements', parameter: level === 2 ? utf8.decode(name) : null }
        elements[level] = count
        values += 1
        if (values > valuesMax) return TOO_MANY_VALUES
        break
      }
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        level -= 1
    }
  }
  return null
}

function endOfSpace(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length && (bytes[at] ?? 0) <= SPACE) at += 1
  return at
}

/** Where a string's closing quote stands, or the text's length where there is none. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start
  for (;;) {
    const searchFrom = at + SHORT_STRING_BYTES
    while (at < searchFrom) {
      const byte = bytes[at]
      if (byte === QUOTE) return at
      if (byte === undefined) return bytes.length
      at += byte === BACKSLASH ? 2 : 1
    }
    const quote = bytes.indexOf(QUOTE, at)
    if (quote === -1) return bytes.length
    if (countBackslashes(bytes, at, quote) % 2 === 0) return quote
    at = quote + 1
  }
}

/** Backslashes in a row that end before `end`. An odd number escapes what follows. */
function countBackslashes(bytes: Uint8Array, start: number, end: number): number {
  let at = end
  while (at > start && bytes[at - 1] === BACKSLASH) at -= 1
  return end - at
}
