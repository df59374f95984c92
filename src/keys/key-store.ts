/**
 * Reads keys for an isolate: from its memory, from the copy in KV, and from the key's account where KV has no copy or fails.
 * It writes nothing.
 */
import { GatewayError } from '../failure.ts'
import { log } from '../log.ts'
import type { ApiKey, KeyReading } from './api-key.ts'
import { KeyCache } from './key-cache.ts'
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

export interface KeyStore {
  /**
   * The record of a key; `null` where there is none.
   *
   * @throws GatewayError `keys_unavailable` where nothing answers and the key is not known here, `key_record_unreadable`.
   */
  find(id: string, asking: Asking): Promise<ApiKey | null>
  /** Caches the answer of a key's account. A later version in the cache stays. */
  remember(id: string, reading: KeyReading, nowMs: number): void
}

export interface Asking {
  nowMs: number
  /** Runs before KV is asked for a key that this isolate does not know, and may throw. */
  beforeRead: () => void
  /** Keeps background work alive: the runtime's `waitUntil`. */
  afterwards: (work: Promise<unknown>) => void
}

/** Asks the account of a key, which looks into KV itself unless the key is known to be absent there. It never throws. */
export type AskAccount = (keyId: string, isAbsentInKv: boolean) => Promise<KeyReading>

export function createKeyStore(kv: KVNamespace, askAccount: AskAccount): KeyStore {
  const cache = new KeyCache<ApiKey>({
    entriesMax: KEYS_REMEMBERED_MAX,
    freshMs: KEY_FRESH_MS,
    absentMs: KEY_ABSENT_MS,
  })

  return {
    async find(id, { nowMs, beforeRead, afterwards }) {
      const known = cache.get(id, nowMs)
      if (known !== undefined && known.fresh) return known.value
      if (!known?.value) beforeRead()
      const copy = await readCopy(kv, id, KEY_READ_TIMEOUT_MS, 'kv_read')
      const isCopyEnough = copy.kind === 'found' || copy.kind === 'deleted'
      const reading = isCopyEnough ? copy : await askAccount(id, copy.kind === 'absent')
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
    },

    remember: take,
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
