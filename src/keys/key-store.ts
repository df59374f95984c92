/**
 * Reads keys for an isolate: from its memory, from the copy in KV, and from the key's account where KV has no copy or fails.
 * It writes nothing.
 */
import { GatewayError } from '../failure.ts'
import { log } from '../log.ts'
import type { Attempt } from './address-throttle.ts'
import type { ApiKey, KeyReading } from './api-key.ts'
import { type Cached, KeyCache } from './key-cache.ts'
import { readCopy } from './key-copy.ts'

/** How long an isolate trusts a record that it has read. A change by the operator takes at most as long here. */
export const KEY_FRESH_MS = 30_000
/** How long an isolate believes that a key does not exist. */
export const KEY_ABSENT_MS = 60_000
/** How long a known key goes on while KV and its account fail. */
export const KEY_STALE_MS = 15 * 60_000
/** How long an isolate waits after a failed read before it asks for that key again. */
export const KEY_RETRY_MS = 5_000
/** How long a read of KV may take before it counts as failed. */
export const KEY_READ_TIMEOUT_MS = 3_000
/** Records that an isolate remembers. */
export const KEYS_REMEMBERED_MAX = 10_000
/**
 * Look-ups of unknown keys a minute, address and isolate that may find nothing. A checksum stops random secrets only, since
 * anyone can compute it.
 *
 * A key that this isolate does not know costs a read of KV, and a call of its account where KV has no copy. Such a look-up
 * counts while it is pending, and is taken back when it finds a key. Beyond this number KV is not read, and the account alone
 * is asked. So a valid key is found, however many others are tried from its address. These calls have no bound in number,
 * but each costs less than the request that causes it: an account without a key stores nothing.
 *
 * The answer is then 429 where the account has no key, since a record of version 0.1 can still be in KV alone.
 * `POST /admin/directory/rebuild` gives all such keys their accounts.
 */
export const UNKNOWN_KEYS_PER_MINUTE = 20

export interface KeyStore {
  /**
   * The record of a key; `null` where there is none.
   *
   * @throws GatewayError `keys_unavailable` where nothing answers and the key is not known here, `key_record_unreadable`,
   * `rate_limited` where the address has no look-up left and the key has no account.
   *
   * It answers at once for a key that it remembers. An `await` that is not needed would cost every request a turn of the
   * microtask queue.
   */
  find(id: string, asking: Asking): ApiKey | null | Promise<ApiKey | null>
  /** Caches the answer of a key's account. A later version in the cache stays. */
  remember(id: string, reading: KeyReading, nowMs: number): void
}

export interface Asking {
  nowMs: number
  /** Counts a look-up of the caller's address. It is called for a key that this isolate does not know. */
  startLookUp: () => Attempt
  /** Keeps background work alive: the runtime's `waitUntil`. */
  afterwards: (work: Promise<unknown>) => void
}

/** Asks the account of a key. An account without a record looks into KV itself unless `isAbsentInKv`. It never throws. */
export type AskAccount = (keyId: string, isAbsentInKv: boolean) => Promise<KeyReading>

export function createKeyStore(kv: KVNamespace, askAccount: AskAccount): KeyStore {
  const cache = new KeyCache<ApiKey>({
    entriesMax: KEYS_REMEMBERED_MAX,
    freshMs: KEY_FRESH_MS,
    absentMs: KEY_ABSENT_MS,
  })

  return {
    find(id, asking) {
      const known = cache.get(id, asking.nowMs)
      return known !== undefined && known.fresh ? known.value : lookUp(id, known, asking)
    },

    remember: take,
  }

  async function lookUp(
    id: string,
    known: Cached<ApiKey> | undefined,
    { nowMs, startLookUp, afterwards }: Asking,
  ): Promise<ApiKey | null> {
    const counted = known?.value ? null : startLookUp()
    const waitMs = counted?.waitMs ?? 0
    const reading = await (waitMs > 0 ? askAccount(id, true) : read(id))
    if (waitMs > 0 && reading.kind === 'absent') throw tooManyUnknownKeys(waitMs)
    if (reading.kind === 'found' || reading.kind === 'unreadable') counted?.takeBack()
    switch (reading.kind) {
      case 'found':
        // The account of such a record does not know its key yet. It takes the record from KV when it is asked.
        if (reading.key.version === 0)
          afterwards(askAccount(id, false).then((answer) => take(id, answer, nowMs)))
        return take(id, reading, nowMs)
      case 'deleted':
      case 'absent':
        return take(id, reading, nowMs)
      case 'unreadable':
        log({ event: 'trouble', what: 'key_record', keyId: id, cause: 'not a record of this version' })
        throw new GatewayError({ kind: 'key_record_unreadable' })
      case 'unavailable':
        if (!known?.value || nowMs - known.readAtMs >= KEY_STALE_MS)
          throw new GatewayError({ kind: 'keys_unavailable' })
        cache.postpone(id, nowMs + KEY_RETRY_MS)
        return known.value
    }
  }

  async function read(id: string): Promise<KeyReading> {
    const copy = await readCopy(kv, id, KEY_READ_TIMEOUT_MS, 'kv_read')
    if (copy.kind === 'found' || copy.kind === 'deleted') return copy
    return askAccount(id, copy.kind === 'absent')
  }

  function take(id: string, reading: KeyReading, nowMs: number): ApiKey | null {
    switch (reading.kind) {
      case 'found':
        return cache.set(id, reading.key, nowMs, reading.key.version)
      case 'deleted':
        return cache.set(id, null, nowMs, reading.version)
      case 'absent':
        return cache.set(id, null, nowMs)
      case 'unreadable':
      case 'unavailable':
        return null
    }
  }
}

function tooManyUnknownKeys(retryAfterMs: number): GatewayError {
  const message = 'Too many unknown API keys from your address. Please try again in a minute.'
  return new GatewayError(
    { kind: 'rate_limited', measure: 'requests', message, retryAfterMs },
    'unknown_keys',
  )
}
