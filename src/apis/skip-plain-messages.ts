/** The messages of most requests, seen to be right at a glance: over a hundred of them zod takes some 55 µs. */
import type * as z from 'zod/mini'
import { field } from '../wire/field.ts'

/** Roles whose messages need nothing but text. */
const PLAIN_ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant'])

/**
 * The same schema of a list of messages, which does not look closer where all of them are plain. Everything else it judges
 * and explains as ever. Its value is then the very list and not a copy.
 */
export function skipPlainMessages<Schema extends z.ZodMiniType>(messages: Schema): Schema {
  const internals = messages._zod
  const run = internals.run.bind(internals)
  internals.run = (payload, context) => (arePlain(payload.value) ? payload : run(payload, context))
  return messages
}

function arePlain(messages: unknown): boolean {
  return Array.isArray(messages) && messages.length > 0 && messages.every(isPlain)
}

/** Of a role that needs no more than text, with text, and with nothing beside. */
function isPlain(message: unknown): boolean {
  return (
    typeof field(message, 'content') === 'string' &&
    PLAIN_ROLES.has(field(message, 'role')) &&
    Object.keys(Object(message)).length === 2
  )
}
