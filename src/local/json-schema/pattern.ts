/**
 * Makes a string that a regular expression accepts. It knows literals, classes, groups, alternatives and quantifiers. It
 * skips back references and look-arounds, so the caller must check the result.
 */

export const PATTERN_CHARACTERS_MAX = 2_000
export const SAMPLE_CHARACTERS_MAX = 10_000

/** A negated class takes its first character from here. */
const PRINTABLE = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-.,:;/@#!?+*=()[]{}<>'

/**
 * An open-ended quantifier repeats `repeat` times, and `repeat` chooses among alternatives: another number gives another
 * sample. Undefined for a pattern that is too long or cannot be parsed.
 */
export function samplePattern(pattern: string, repeat: number): string | undefined {
  if (pattern.length > PATTERN_CHARACTERS_MAX) return undefined
  const reader = { pattern, at: 0, repeat, isTooLong: false }
  const sample = readAlternatives(reader)
  return reader.at >= pattern.length && !reader.isTooLong ? sample : undefined
}

interface Reader {
  readonly pattern: string
  readonly repeat: number
  at: number
  isTooLong: boolean
}

function readAlternatives(reader: Reader): string {
  const alternatives = [readSequence(reader)]
  while (reader.pattern[reader.at] === '|') {
    reader.at++
    alternatives.push(readSequence(reader))
  }
  return alternatives[reader.repeat % alternatives.length] ?? ''
}

function readSequence(reader: Reader): string {
  let sample = ''
  while (reader.at < reader.pattern.length && !'|)'.includes(reader.pattern.charAt(reader.at))) {
    const atom = readAtom(reader)
    const count = readQuantifier(reader)
    // Nested quantifiers multiply.
    if (sample.length + atom.length * count > SAMPLE_CHARACTERS_MAX) reader.isTooLong = true
    else sample += atom.repeat(count)
  }
  return sample
}

function readAtom(reader: Reader): string {
  const char = reader.pattern.charAt(reader.at++)
  switch (char) {
    case '^':
    case '$':
      return ''
    case '.':
      return 'a'
    case '(':
      return readGroup(reader)
    case '[':
      return readClass(reader)
    case '\\':
      return firstOf(readEscape(reader)) ?? ''
    default:
      return char
  }
}

function readGroup(reader: Reader): string {
  const prefix = /^\?(?::|<[A-Za-z_]\w*>|=|!|<=|<!)/u.exec(reader.pattern.slice(reader.at))?.[0] ?? ''
  reader.at += prefix.length
  const sample = readAlternatives(reader)
  if (reader.pattern[reader.at] === ')') reader.at++
  return /^\?<?[=!]/u.test(prefix) ? '' : sample
}

/** The first character of a class; of `[^…]`, the first printable character that is not in it. */
function readClass(reader: Reader): string {
  const negated = reader.pattern[reader.at] === '^'
  if (negated) reader.at++
  let members = ''
  while (reader.at < reader.pattern.length && reader.pattern[reader.at] !== ']') {
    const first = readMember(reader)
    const isRange = reader.pattern[reader.at] === '-' && !']'.includes(reader.pattern.charAt(reader.at + 1))
    if (!isRange) {
      members += first
      continue
    }
    reader.at++
    const last = readMember(reader).codePointAt(0) ?? 0
    for (let code = first.codePointAt(0) ?? 0; code <= last && members.length < 5_000; code++) {
      members += String.fromCodePoint(code)
    }
  }
  reader.at++
  return firstOf(negated ? without(members) : members) ?? ''
}

function readMember(reader: Reader): string {
  const char = reader.pattern.charAt(reader.at++)
  return char === '\\' ? readEscape(reader) : char
}

/** The characters that an escape matches; an assertion matches none. */
function readEscape(reader: Reader): string {
  const rest = reader.pattern.slice(reader.at)
  const code = /^(?:u\{([0-9a-f]{1,6})\}|u([0-9a-f]{4})|x([0-9a-f]{2}))/iu.exec(rest)
  const property = /^p\{([^}]*)\}/iu.exec(rest)
  const char = rest.charAt(0)
  reader.at += code?.[0].length ?? property?.[0].length ?? 1
  if (code) return String.fromCodePoint(Number.parseInt(code[1] ?? code[2] ?? code[3] ?? '0', 16))
  if (property) return /^(?:N|Nd|Number)$/u.test(property[1] ?? '') ? '0123456789' : 'aA'
  const known: Record<string, string> = {
    d: '0123456789',
    D: without('0123456789'),
    w: 'abcdefghijklmnopqrstuvwxyz0123456789_',
    W: ' -.',
    s: ' ',
    S: without(' '),
    b: '',
    B: '',
    n: '\n',
    r: '\r',
    t: '\t',
    f: '\f',
    v: '\v',
    0: '\0',
  }
  return known[char] ?? char
}

/** The number of repetitions of the atom before. A lazy quantifier is read like a greedy one. */
function readQuantifier(reader: Reader): number {
  const found = /^(?:([*+?])|\{(\d+)(,(\d*))?\})\??/u.exec(reader.pattern.slice(reader.at))
  if (!found) return 1
  reader.at += found[0].length
  const [, symbol, from, open, to] = found
  const min = symbol === '+' ? 1 : Number(from ?? 0)
  const max = symbol === '?' ? 1 : from === undefined ? Infinity : !open ? min : to ? Number(to) : Infinity
  return Math.min(Math.max(min, reader.repeat), max)
}

function firstOf(characters: string): string | undefined {
  return Array.from(characters)[0]
}

function without(characters: string): string {
  return Array.from(PRINTABLE)
    .filter((char) => !characters.includes(char))
    .join('')
}
