/**
 * The account of one key: the truth about its record. Every change goes through it, so no change is lost or undone by
 * another one. KV and the directory get copies, and are told until they have acknowledged.
 */
import { DurableObject } from 'cloudflare:workers'
import type { ApiKey } from '../keys/api-key.ts'
import { type KeyReading, readCopy, writeCopy } from '../keys/key-copy.ts'
import { causeOf, log } from '../log.ts'
import { raceTimeout, TIMED_OUT } from '../timeout.ts'
import { reportOf } from './key-list.ts'
import { isEmpty, migrate, type Migrations } from './migrations.ts'
import { type Bindings, directoryOf, type KeyAccountCalls } from './objects.ts'
import { ATTEMPT_TIMEOUT_MS, Publication, RETRY_MS } from './publication.ts'
import {
  adopted,
  created,
  deleted,
  type KeyPatch,
  type NewKey,
  patched,
  readingOf,
  rotated,
  type Rotation,
  type StoredKey,
  storedKey,
  unreadableKey,
} from './stored-key.ts'

/** How long an account waits for KV when it looks for a record of version 0.1. */
export const ADOPTION_TIMEOUT_MS = 2_000

/** A change is told at once. The alarm is for an object that ends before it has told. */
const SAFETY_MS = ATTEMPT_TIMEOUT_MS + RETRY_MS

const MIGRATIONS: Migrations = [
  `CREATE TABLE record (one INTEGER PRIMARY KEY CHECK (one = 1), stored TEXT NOT NULL);
   CREATE TABLE publication (target TEXT PRIMARY KEY, told TEXT NOT NULL) WITHOUT ROWID;`,
]

export class KeyAccount extends DurableObject<Bindings> implements KeyAccountCalls {
  #stored: StoredKey | null = null
  #alarmAtMs: number | null = null
  readonly #publication: Publication

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    this.#publication = new Publication(ctx.storage.sql, {
      kv: ({ key, deletedAt }) => writeCopy(env.KV, key, deletedAt),
      directory: async (stored) => directoryOf(env).report(reportOf(stored)),
    })
    void ctx.blockConcurrencyWhile(async () => {
      // An account without a key stores nothing: made-up key ids must not leave databases behind.
      if (isEmpty(ctx.storage)) return
      migrate(ctx.storage, MIGRATIONS)
      const [row] = ctx.storage.sql.exec<{ stored: string }>('SELECT stored FROM record').toArray()
      if (row !== undefined) this.#stored = storedKey.parse(JSON.parse(row.stored))
      this.#alarmAtMs = await ctx.storage.getAlarm()
    })
  }

  /** What is true of the key now. A record of version 0.1 is taken from KV, and is this account's from then on. */
  async read(keyId: string, isAbsentInKv: boolean): Promise<KeyReading> {
    if (this.#stored !== null) return readingOf(this.#stored)
    if (isAbsentInKv) return { kind: 'absent' }
    const copy = await this.#readCopy(keyId)
    // Another call may have been faster.
    if (this.#stored !== null) return readingOf(this.#stored)
    if (copy.kind !== 'found') return copy
    const stored = adopted(copy.key)
    this.#store(stored)
    this.ctx.waitUntil(this.#publish())
    return readingOf(stored)
  }

  /** `created` once, and from then on what the account has. */
  async create(key: NewKey): Promise<KeyReading | { kind: 'created'; key: ApiKey }> {
    if (this.#stored !== null) return readingOf(this.#stored)
    const stored = created(key)
    this.#store(stored)
    await this.#publish()
    return { kind: 'created', key: stored.key }
  }

  /** Fields of updates at the same time all survive. */
  async update(keyId: string, patch: KeyPatch): Promise<KeyReading> {
    return this.#change(keyId, (key) => patched(key, patch))
  }

  async rotate(keyId: string, rotation: Rotation): Promise<KeyReading> {
    return this.#change(keyId, (key) => rotated(key, rotation))
  }

  /** `deleted` once, and `absent` from then on. A record that nobody can read is deleted too. */
  async delete(keyId: string, deletedAt: string): Promise<KeyReading> {
    const reading = await this.read(keyId, false)
    if (this.#stored === null && reading.kind !== 'unreadable') return reading
    if (this.#stored !== null && this.#stored.deletedAt !== null) return { kind: 'absent' }
    const stored = deleted(this.#stored?.key ?? unreadableKey(keyId, deletedAt), deletedAt)
    this.#store(stored)
    await this.#publish()
    return readingOf(stored)
  }

  override async alarm(): Promise<void> {
    this.#alarmAtMs = null
    await this.#publish()
  }

  async #change(keyId: string, change: (key: ApiKey) => StoredKey): Promise<KeyReading> {
    const reading = await this.read(keyId, false)
    // What another call has changed since must not be lost: the change is made to what stands now.
    if (this.#stored === null || this.#stored.deletedAt !== null) return reading
    const stored = change(this.#stored.key)
    this.#store(stored)
    await this.#publish()
    return readingOf(stored)
  }

  /** One transaction, as nothing in it is awaited: the record, with its version, and the alarm. */
  #store(stored: StoredKey): void {
    const { storage } = this.ctx
    if (this.#stored === null) migrate(storage, MIGRATIONS)
    storage.sql.exec('INSERT OR REPLACE INTO record (one, stored) VALUES (1, ?)', JSON.stringify(stored))
    this.#wakeAt(Date.now() + SAFETY_MS)
    this.#stored = stored
  }

  async #publish(): Promise<void> {
    if (this.#stored === null) return
    await this.#publication.attempt(this.#stored)
    const nextAtMs = this.#publication.nextAtMs(this.#stored, Date.now())
    if (nextAtMs !== null) {
      this.#wakeAt(nextAtMs)
    } else if (this.#alarmAtMs !== null) {
      this.#alarmAtMs = null
      await this.ctx.storage.deleteAlarm()
    }
  }

  /** An alarm costs a row: one that comes earlier is left as it is. */
  #wakeAt(atMs: number): void {
    if (this.#alarmAtMs !== null && this.#alarmAtMs <= atMs) return
    this.#alarmAtMs = atMs
    void this.ctx.storage.setAlarm(atMs)
  }

  async #readCopy(keyId: string): Promise<KeyReading> {
    try {
      const copy = await raceTimeout(readCopy(this.env.KV, keyId), ADOPTION_TIMEOUT_MS)
      return copy === TIMED_OUT ? { kind: 'unavailable' } : copy
    } catch (error) {
      log({ event: 'trouble', what: 'account_kv_read', keyId, cause: causeOf(error) })
      return { kind: 'unavailable' }
    }
  }
}
