/** The text that a model would read of one turn. */

import * as z from 'zod/mini'

const parts = z.array(z.looseObject({ text: z.string() }))

/** The text of a message's content. A content is null, a string or a list of parts. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  return Array.isArray(content)
    ? content
        .flatMap((part) => parts.safeParse([part]).data ?? [])
        .map(({ text }) => text)
        .join('\n')
    : ''
}

/** Empty for a missing value. */
export function jsonOf(value: unknown): string {
  return value === undefined || value === null ? '' : JSON.stringify(value)
}
