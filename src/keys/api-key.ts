/** A key's record, and the view of it that the operator sees and the stages carry. */
import * as z from 'zod/mini'
import { limitShape } from '../limits/limits.ts'
import { integer } from '../wire/integer.ts'
import { isoTimestamp } from '../wire/iso-timestamp.ts'

/** The fields of the view. Made with the lazy schemas that have them. */
export function viewShape() {
  const text = z.string()
  const texts = z.optional(z.array(text))
  return {
    id: text,
    name: text,
    createdAt: isoTimestamp,
    expiresAt: z.nullable(isoTimestamp),
    disabled: z.boolean(),
    limits: z.object(limitShape()),
    /** The id of the group whose limits and budget hold for the key too. Absent: none. */
    group: z.optional(text),
    /** Public names of the models that the key may use. Absent: all. */
    models: texts,
    /** Addresses and CIDR ranges from which the key may be used. Absent: from anywhere. */
    allowedAddresses: texts,
  }
}

/** The record without its hashes. */
export const apiKeyView = z.lazy(() => z.object(viewShape()))
export type ApiKeyView = z.output<typeof apiKeyView>

export const apiKeyRecord = z.lazy(() =>
  z.object({
    ...viewShape(),
    secretSha256: z.string(),
    /** The secret before the last rotation. It is good until `validUntil`. */
    previous: z.nullable(z.object({ secretSha256: z.string(), validUntil: isoTimestamp })),
    /** Grows by 1 with each change. It is 0 in a record of version 0.1 of the gateway, which had no versions. */
    version: z._default(integer(0, Number.MAX_SAFE_INTEGER), 0),
  }),
)
export type ApiKey = z.output<typeof apiKeyRecord>

/** The answer of KV or of an account about a key. */
export type KeyReading =
  | { kind: 'found'; key: ApiKey }
  | { kind: 'deleted'; version: number }
  | { kind: 'absent' }
  /** The record exists, and this version of the gateway cannot read it. */
  | { kind: 'unreadable' }
  /** The store does not answer. */
  | { kind: 'unavailable' }

export function viewOf(key: ApiKey): ApiKeyView {
  const { secretSha256: _hash, previous: _previous, version: _version, ...view } = key
  return view
}
