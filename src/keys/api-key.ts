/** A key's record: what is stored of a key, what the operator sees of it, and what the stages carry. */
import * as z from 'zod/mini'
import { limitShape } from '../limits/limits.ts'
import { isoTimestamp } from '../wire/iso-timestamp.ts'

const viewShape = {
  id: z.string(),
  name: z.string(),
  createdAt: isoTimestamp,
  expiresAt: z.nullable(isoTimestamp),
  disabled: z.boolean(),
  limits: z.object(limitShape),
}

/** The record without its hashes. */
export const apiKeyView = z.object(viewShape)
export type ApiKeyView = z.output<typeof apiKeyView>

export const apiKeyRecord = z.object({
  ...viewShape,
  secretSha256: z.string(),
  /** The secret before the last rotation. It is good until `validUntil`. */
  previous: z.nullable(z.object({ secretSha256: z.string(), validUntil: isoTimestamp })),
})
export type ApiKey = z.output<typeof apiKeyRecord>

export function viewOf(key: ApiKey): ApiKeyView {
  const { secretSha256: _hash, previous: _previous, ...view } = key
  return view
}
