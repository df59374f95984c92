/** The tags of a request: the values that its body's `metadata` has for the names in `USAGE_TAGS`. Pure. */
import * as z from 'zod/mini'
import { lazy } from '../lazy.ts'
import { field } from '../wire/field.ts'

/** Unicode characters of a value. A longer value is cut. OpenAI's `metadata` takes 512. */
export const TAG_CHARACTERS_MAX = 64
/** The value of each tag of a request whose key has more combinations of tags on a day than the ledger takes. */
export const OTHER_TAG = '(other)'

/** Values by name, at least one. */
export type Tags = Readonly<Record<string, string>>

/**
 * Control characters, ends of lines, and marks that turn the direction of the text around them. It is made at its first use: the
 * engine reads Unicode's tables for it.
 */
const invisible = lazy(() => /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu)

/** `undefined` for a request without any of them. A value that is no text, or that has no visible character, is none. */
export function readTags(metadata: unknown, names: readonly string[]): Tags | undefined {
  if (names.length === 0) return undefined
  const tags: Record<string, string> = {}
  for (const name of names) {
    const value = valueOf(field(metadata, name))
    if (value !== '') tags[name] = value
  }
  return Object.keys(tags).length === 0 ? undefined : tags
}

/** The tags as the ledger has them: JSON, sorted by name. So a combination is one text. */
export function tagsText(tags: Tags): string {
  return JSON.stringify(tags, Object.keys(tags).toSorted())
}

// `z.record` would bring half a kilobyte along.
const tagsObject = z.lazy(() => z.catchall(z.object({}), z.string()))

/** @param text The ledger's. */
export function parseTags(text: string): Tags {
  return tagsObject.parse(JSON.parse(text))
}

/** The same names, each with `OTHER_TAG`. */
export function otherTags(text: string): string {
  return tagsText(Object.fromEntries(Object.keys(parseTags(text)).map((name) => [name, OTHER_TAG])))
}

function valueOf(value: unknown): string {
  if (typeof value !== 'string') return ''
  // A character is two UTF-16 units at most. What is behind these units is not looked at, since a value can have megabytes.
  const plain = value
    .slice(0, 2 * TAG_CHARACTERS_MAX)
    .toWellFormed()
    .replace(invisible(), '')
    .trim()
  return Array.from(plain).slice(0, TAG_CHARACTERS_MAX).join('').trimEnd()
}
