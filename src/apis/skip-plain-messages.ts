/** A shortcut for lists of plain messages, which most requests have: zod takes some 55 µs for a hundred messages. */
import type * as z from 'zod/mini'
import { field } from '../wire/field.ts'
import { acceptEarly } from './accept-early.ts'

/** Roles whose messages may consist of text alone. */
const PLAIN_ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant'])

/** The same schema, which accepts a list of plain messages without validating each. */
export function skipPlainMessages<Schema extends z.ZodMiniType>(messages: Schema): Schema {
  return acceptEarly(messages, arePlain)
}

/** Whether validation has found the list plain: each message has a role and a text, and so nothing that others look for. */
export function isPlainList(messages: unknown): boolean {
  return Array.isArray(messages) && plainLists.has(messages)
}

/** A list goes with its request. */
const plainLists = new WeakSet<readonly unknown[]>()

function arePlain(messages: unknown): boolean {
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isPlain)) return false
  plainLists.add(messages)
  return true
}

/** Whether a message has a plain role, a text and no other field. */
function isPlain(message: unknown): boolean {
  return (
    typeof field(message, 'content') === 'string' &&
    PLAIN_ROLES.has(field(message, 'role')) &&
    Object.keys(Object(message)).length === 2
  )
}
