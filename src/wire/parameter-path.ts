/** Where in a request a parameter stands, in OpenAI's notation: `messages[0].content`. */

import { shown } from './parameter-words.ts'

export type Path = readonly PropertyKey[]

const PLAIN_NAME = /^[\w$-]+$/

/** `null` for the body as a whole. A property name that is not plain is quoted: `metadata["a b"]`. */
export function pathOf(path: Path): string | null {
  if (path.length === 0) return null
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += named(shown(String(step)), text === '')
  }
  return text
}

/** What stands at a path; `undefined` where the path leads nowhere. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = Reflect.get(value, step)
  }
  return value
}

function named(name: string, first: boolean): string {
  if (!PLAIN_NAME.test(name)) return `[${JSON.stringify(name)}]`
  return first ? name : `.${name}`
}
