/** The texts of a bad parameter: its path in OpenAI's notation, and how a message names values. */

/** Characters of a caller's own text, a value or a property name, that a message repeats. */
export const EXCERPT_CHARACTERS_MAX = 100

export type Path = readonly PropertyKey[]

const PLAIN_NAME = /^[\w$-]+$/

/** As `messages[0].content`; `null` for the body as a whole. A property name that is not plain is quoted: `metadata["a b"]`. */
export function pathOf(path: Path): string | null {
  if (path.length === 0) return null
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += named(excerpt(String(step)), text === '')
  }
  return text
}

/** The value at a path; `undefined` where the path leads nowhere. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = Reflect.get(value, step)
  }
  return value
}

/** `an integer`, `an array`: the words of OpenAI's `but got … instead`. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  if (typeof value !== 'number') return `a ${typeof value}`
  if (!Number.isFinite(value)) return 'an infinite number'
  return Number.isInteger(value) ? 'an integer' : 'a decimal number'
}

/** A string in quotes and cut, a number or boolean as it is, an object or array by its kind. */
export function quoted(value: unknown): string {
  if (typeof value === 'string') return `'${excerpt(value)}'`
  if (typeof value === 'object' && value !== null) return kindOf(value)
  return excerpt(String(value))
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
export function excerpt(text: string): string {
  const cut = text.length <= EXCERPT_CHARACTERS_MAX ? text : `${text.slice(0, EXCERPT_CHARACTERS_MAX)}…`
  return cut.toWellFormed()
}

function named(name: string, first: boolean): string {
  if (!PLAIN_NAME.test(name)) return `[${JSON.stringify(name)}]`
  return first ? name : `.${name}`
}
