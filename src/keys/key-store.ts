/**
 * Keys in KV: record `key:<id>`, read through the isolate's memory. The value is the whole record. Its metadata is the
 * operator's view, so that a page of keys costs one `list` and no `get`. A record lives until the operator deletes it.
 */
import { GatewayError, invalidParameter } from '../failure.ts'
import { causeOf, log } from '../log.ts'
import { raceTimeout, TIMED_OUT } from '../timeout.ts'
import { type ApiKey, apiKeyRecord, apiKeyView, type ApiKeyView, viewOf } from './api-key.ts'
import { KeyCache } from './key-cache.ts'
import { orServiceUnavailable } from './service-unavailable.ts'

/** How long an isolate trusts a record that it has read. A change by the operator takes at most as long here. */
export const KEY_FRESH_MS = 30_000
/** How long an isolate believes that a key does not exist. A new key works here after this time at the latest. */
export const KEY_ABSENT_MS = 60_000
/** How long a known key goes on while KV fails. */
export const KEY_STALE_MS = 15 * 60_000
/** How long an isolate waits after a failed read before it asks KV for that key again. */
export const KEY_RETRY_MS = 5_000
/** How long a read may take before it counts as failed. */
export const KEY_READ_TIMEOUT_MS = 3_000
/** Records that an isolate remembers. */
export const KEYS_REMEMBERED_MAX = 10_000
/** KV's own cache at a location; 30 s is the least that KV takes. */
const KV_CACHE_TTL_SECONDS = 30

export interface KeyStore {
  /**
   * The record of a key, from this isolate's memory or from KV; `null` where there is none. `beforeRead` runs before KV is
   * asked for a key that this isolate does not know, and may throw.
   *
   * @throws GatewayError `keys_unavailable` where KV fails and the key is not known here, `key_record_unreadable`.
   */
  find(id: string, nowMs: number, beforeRead: () => void): Promise<ApiKey | null>
  /**
   * The record as KV has it, past the isolate's memory. KV itself may still answer with a value 30 s old.
   *
   * @throws GatewayError `keys_unavailable`, `key_record_unreadable`.
   */
  read(id: string): Promise<ApiKey | null>
  /** @throws GatewayError `keys_unavailable`, also on a second write to one key within a second. */
  write(key: ApiKey, nowMs: number): Promise<void>
  /** @throws GatewayError `keys_unavailable`. */
  delete(id: string, nowMs: number): Promise<void>
  /**
   * A page of keys in the order of their ids, and the cursor of the next page (`null` after the last).
   *
   * @throws GatewayError `keys_unavailable`, `invalid_parameter` for a cursor that KV does not know.
   */
  list(page: { limit: number; cursor: string | null }): Promise<KeyPage>
}

export interface KeyPage {
  keys: ApiKeyView[]
  nextCursor: string | null
}

export function createKeyStore(kv: KVNamespace): KeyStore {
  const cache = new KeyCache<ApiKey>({
    entriesMax: KEYS_REMEMBERED_MAX,
    freshMs: KEY_FRESH_MS,
    absentMs: KEY_ABSENT_MS,
  })

  return {
    async find(id, nowMs, beforeRead) {
      const known = cache.get(id, nowMs)
      if (known !== undefined && known.fresh) return known.value
      if (!known?.value) beforeRead()
      let text: string | null
      try {
        const reading = kv.get(nameOf(id), { cacheTtl: KV_CACHE_TTL_SECONDS })
        const read = await raceTimeout(reading, KEY_READ_TIMEOUT_MS)
        if (read === TIMED_OUT) throw new Error(`no answer from KV within ${KEY_READ_TIMEOUT_MS} ms`)
        text = read
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
    },

    async read(id) {
      const reading = kv.get(nameOf(id), { cacheTtl: KV_CACHE_TTL_SECONDS })
      const text = await orServiceUnavailable(reading, 'keys_unavailable')
      return text === null ? null : parseRecord(id, text)
    },

    async write(key, nowMs) {
      const writing = kv.put(nameOf(key.id), JSON.stringify(key), { metadata: viewOf(key) })
      await orServiceUnavailable(writing, 'keys_unavailable')
      cache.set(key.id, key, nowMs)
    },

    async delete(id, nowMs) {
      await orServiceUnavailable(kv.delete(nameOf(id)), 'keys_unavailable')
      cache.set(id, null, nowMs)
    },

    async list({ limit, cursor }) {
      const listing = kv.list({ prefix: 'key:', limit, cursor })
      const found = await orServiceUnavailable(
        listing.catch((error: unknown) => blameCursor(error, cursor)),
        'keys_unavailable',
      )
      const keys = found.keys.flatMap(({ metadata }) => {
        const view = apiKeyView.safeParse(metadata)
        return view.success ? [view.data] : []
      })
      return { keys, nextCursor: found.list_complete ? null : found.cursor }
    },
  }
}

function nameOf(id: string): string {
  return `key:${id}`
}

function parseRecord(id: string, text: string): ApiKey {
  try {
    return apiKeyRecord.parse(JSON.parse(text))
  } catch (error) {
    const cause = error instanceof Error ? error.name : 'unknown'
    log({ event: 'trouble', what: 'key_record', keyId: id, cause })
    throw new GatewayError({ kind: 'key_record_unreadable' })
  }
}

function blameCursor(error: unknown, cursor: string | null): never {
  // As `KV GET failed: 400 Bad Request`. The cursor is the only text of the operator that a listing carries.
  if (cursor === null || !/failed: 4(?!29)/.test(String(error))) throw error
  throw new GatewayError(
    invalidParameter('cursor', "Invalid 'cursor': expected the 'nextCursor' of the page before."),
  )
}
