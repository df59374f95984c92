/**
 * Keys in KV: record `key:<id>`. The value is the whole record; its metadata is the operator's view of it, so that a
 * page of keys costs one `list` and no `get`. A record lives until the operator deletes it.
 */
import * as z from 'zod/mini'
import { GatewayError } from '../failure.ts'
import { causeOf, log } from '../log.ts'
import { instant } from '../wire/iso-timestamp.ts'
import { integer } from '../wire/integer.ts'
import { orUnavailable, withTimeout } from '../records/reach.ts'
import { RecordCache } from './key-cache.ts'

/** How long an isolate trusts a record it has read: what a change by the operator takes here at most. */
export const KEY_FRESH_MS = 30_000
/** How long an isolate believes that there is no such key. A new key is usable here after this at most. */
export const KEY_ABSENT_MS = 60_000
/** How long a known key goes on while KV fails. */
export const KEY_STALE_MS = 15 * 60_000
/** After a failed read the isolate goes on with what it knows, and asks KV again after this. */
export const KEY_RETRY_MS = 5_000
/** What a read may take before it counts as failed. */
export const KEY_READ_TIMEOUT_MS = 3_000
/** KV's own cache at a location; 30 s is the least that it takes. */
const KV_CACHE_TTL_SECONDS = 30

/** Far above what one account serves; it keeps sums of counts exact. */
export const LIMIT_MAX = 1_000_000_000

/** Dollars; also far above. */
export const BUDGET_USD_MAX = 1_000_000

export const limitShape = {
  requestsPerMinute: z.optional(integer(1, LIMIT_MAX)),
  /** From 00:00 UTC. */
  requestsPerDay: z.optional(integer(1, LIMIT_MAX)),
  /** Prompt and completion together. */
  tokensPerMinute: z.optional(integer(1, LIMIT_MAX)),
  mode: z.optional(z.enum(['strict', 'balanced', 'lenient'])),
  /** Dollars that may be spent from 00:00 UTC, from the first of the month, or altogether; a micro-dollar at least. */
  budget: z.optional(
    z.strictObject({
      usd: z.number().check(z.minimum(0.000_001), z.maximum(BUDGET_USD_MAX)),
      period: z.enum(['day', 'month', 'total']),
    }),
  ),
}
/** What the operator may set for a key; a limit that is not set is the gateway's default, and none without one. */
export const limitsSchema = z.strictObject(limitShape)
export type Limits = z.output<typeof limitsSchema>
export type Budget = NonNullable<Limits['budget']>

const viewShape = {
  id: z.string(),
  name: z.string(),
  createdAt: instant,
  expiresAt: z.nullable(instant),
  disabled: z.boolean(),
  limits: z.object(limitShape),
}
/** What the operator sees of a key: everything but the hashes. */
export const apiKeyView = z.object(viewShape)
export type ApiKeyView = z.output<typeof apiKeyView>

const apiKeyRecord = z.object({
  ...viewShape,
  secretSha256: z.string(),
  /** The secret before the last rotation, good until `validUntil`. */
  previous: z.nullable(z.object({ secretSha256: z.string(), validUntil: instant })),
})
export type ApiKey = z.output<typeof apiKeyRecord>

const cache = new RecordCache<ApiKey>({ entriesMax: 10_000, freshMs: KEY_FRESH_MS, absentMs: KEY_ABSENT_MS })

/**
 * The record of a key, from this isolate's memory or from KV; `null` where there is none. `beforeRead` may throw: it is
 * called before KV is asked for a key that is not known here.
 *
 * @throws GatewayError `keys_unavailable` where KV fails and the key is not known here, `key_record_unreadable`.
 */
export async function findApiKey(
  kv: KVNamespace,
  id: string,
  nowMs: number,
  beforeRead: () => void,
): Promise<ApiKey | null> {
  const known = cache.get(id, nowMs)
  if (known !== undefined && known.fresh) return known.value
  if (!known?.value) beforeRead()
  let text: string | null
  try {
    text = await withTimeout(kv.get(kvKey(id), { cacheTtl: KV_CACHE_TTL_SECONDS }), KEY_READ_TIMEOUT_MS)
  } catch (error) {
    log({ event: 'trouble', what: 'kv_read', keyId: id, cause: causeOf(error) })
    if (known?.value && nowMs - known.readAtMs < KEY_STALE_MS) {
      cache.postpone(id, nowMs + KEY_RETRY_MS)
      return known.value
    }
    throw new GatewayError({ kind: 'keys_unavailable' })
  }
  const key = text === null ? null : parseRecord(id, text)
  cache.set(id, key, nowMs)
  return key
}

/**
 * The record as KV has it, past the isolate's memory; KV itself may still answer with a value 30 s old.
 *
 * @throws GatewayError `keys_unavailable`, `key_record_unreadable`.
 */
export async function readApiKey(kv: KVNamespace, id: string): Promise<ApiKey | null> {
  const text = await orUnavailable(kv.get(kvKey(id), { cacheTtl: KV_CACHE_TTL_SECONDS }), 'keys_unavailable')
  return text === null ? null : parseRecord(id, text)
}

/** @throws GatewayError `keys_unavailable`, also on a second write to one key within a second. */
export async function writeApiKey(kv: KVNamespace, key: ApiKey, nowMs: number): Promise<void> {
  await orUnavailable(
    kv.put(kvKey(key.id), JSON.stringify(key), { metadata: viewOf(key) }),
    'keys_unavailable',
  )
  cache.set(key.id, key, nowMs)
}

/** @throws GatewayError `keys_unavailable`. */
export async function deleteApiKey(kv: KVNamespace, id: string, nowMs: number): Promise<void> {
  await orUnavailable(kv.delete(kvKey(id)), 'keys_unavailable')
  cache.set(id, null, nowMs)
}

/**
 * A page of keys in the order of their ids, and the cursor of the next page (`null` after the last).
 *
 * @throws GatewayError `keys_unavailable`, `invalid_parameter` for a cursor that KV does not know.
 */
export async function listApiKeys(
  kv: KVNamespace,
  page: { limit: number; cursor: string | null },
): Promise<{ keys: ApiKeyView[]; nextCursor: string | null }> {
  const listing = kv.list({ prefix: 'key:', limit: page.limit, cursor: page.cursor })
  const found = await orUnavailable(
    listing.catch((error: unknown) => blameCursor(error, page.cursor)),
    'keys_unavailable',
  )
  const keys = found.keys.flatMap(({ metadata }) => {
    const view = apiKeyView.safeParse(metadata)
    return view.success ? [view.data] : []
  })
  return { keys, nextCursor: found.list_complete ? null : found.cursor }
}

export function viewOf(key: ApiKey): ApiKeyView {
  const { secretSha256: _hash, previous: _previous, ...view } = key
  return view
}

function kvKey(id: string): string {
  return `key:${id}`
}

function parseRecord(id: string, text: string): ApiKey {
  try {
    return apiKeyRecord.parse(JSON.parse(text))
  } catch (error) {
    log({
      event: 'trouble',
      what: 'key_record',
      keyId: id,
      cause: error instanceof Error ? error.name : 'unknown',
    })
    throw new GatewayError({ kind: 'key_record_unreadable' })
  }
}

function blameCursor(error: unknown, cursor: string | null): never {
  // As `KV GET failed: 400 Bad Request`: nothing else that the operator gives gets into a listing.
  if (cursor === null || !/failed: 4(?!29)/.test(String(error))) throw error
  const message = "Invalid 'cursor': expected the 'nextCursor' of the page before."
  throw new GatewayError({ kind: 'invalid_parameter', param: 'cursor', code: 'invalid_value', message })
}
