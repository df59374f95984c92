/** Finds the usage in the tail of an event that is too long to be parsed. */
import { parseJson } from '../wire/parse-json.ts'
import { parseUsage, type Usage } from '../wire/usage.ts'

/**
 * The start of a usage. No text of a model contains it: within JSON each quote in a text has a backslash before it. Servers
 * differ in their white space.
 */
export const USAGE_START = /"usage"\s*:\s*\{/

/**
 * The last usage in the text; `null` where it is null, or where there is none. Parameters of a tool can look like a usage, but
 * they stand before it. Metadata stand behind it, but their values are strings.
 */
export function usageInTail(tail: string): Usage | null {
  const last = [...tail.matchAll(/"usage"\s*:\s*(?=\{|null)/g)].at(-1)
  return last === undefined ? null : parseUsage(parseObject(tail.slice(last.index + last[0].length)))
}

/** The object at the start of a text. Its strings may hold no braces, which is so in a usage: it has numbers alone. */
function parseObject(text: string): unknown {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '{') depth += 1
    else if (text[at] === '}') depth -= 1
    // A text that begins with no brace is no object.
    if (depth === 0) return at === 0 ? null : parseJson(text.slice(0, at + 1))
  }
  return null
}
