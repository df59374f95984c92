/** How a message names values: by kind, quoted, in lists. */

/** Characters of a caller's own text, a value or a property name, that a message repeats. */
export const SHOWN_CHARACTERS_MAX = 100

/** `an integer`, `an array`; the words of OpenAI's `but got … instead`. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  if (typeof value !== 'number') return `a ${typeof value}`
  if (!Number.isFinite(value)) return 'an infinite number'
  return Number.isInteger(value) ? 'an integer' : 'a decimal number'
}

/** A string in quotes and cut, a number or boolean as it is, anything with parts by its kind. */
export function quoted(value: unknown): string {
  if (typeof value === 'string') return `'${shown(value)}'`
  if (typeof value === 'object' && value !== null) return kindOf(value)
  return shown(String(value))
}

/** `'a'`, `one of 'a' or 'b'`, `one of 'a', 'b', or 'c'`. */
export function oneOf(values: readonly unknown[]): string {
  const names = joined(values.map(quoted), 'or')
  return values.length === 1 ? names : `one of ${names}`
}

/** `a`, `a or b`, `a, b, or c`. */
export function joined(names: readonly string[], word: 'and' | 'or'): string {
  if (names.length < 3) return names.join(` ${word} `)
  return `${names.slice(0, -1).join(', ')}, ${word} ${names.at(-1)}`
}

/** A caller's own text, cut to a length that fits a message. */
export function shown(text: string): string {
  const cut = text.length <= SHOWN_CHARACTERS_MAX ? text : `${text.slice(0, SHOWN_CHARACTERS_MAX)}…`
  return cut.toWellFormed()
}
