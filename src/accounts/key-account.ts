/**
 * The account of one key: the truth about its record. Every change goes through it, so no change is lost, or undone by
 * another one. KV gets a copy of each version, and the directory a report.
 */
import { DurableObject } from 'cloudflare:workers'
import type { ApiKey } from '../keys/api-key.ts'
import { type KeyReading, readCopy, writeCopy } from '../keys/key-copy.ts'
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

/** A change is published at once. The alarm retries if the object ends first. */
const SAFETY_MS = ATTEMPT_TIMEOUT_MS + RETRY_MS

const MIGRATIONS: Migrations = [
  `CREATE TABLE record (one INTEGER PRIMARY KEY CHECK (one = 1), stored TEXT NOT NULL);
   CREATE TABLE publication (target TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;`,
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
      if (row === undefined) return
      this.#stored = storedKey.parse(JSON.parse(row.stored))
      this.#alarmAtMs = await ctx.storage.getAlarm()
      // The runtime gives an alarm up after some failures. The next call to the account sets it again.
      this.#wakeForPublication(this.#stored)
    })
  }

  /** The key as it is now. The account takes over a record of version 0.1 that it finds in KV. */
  async read(keyId: string, isAbsentInKv: boolean): Promise<KeyReading> {
    if (this.#stored !== null) return readingOf(this.#stored)
    if (isAbsentInKv) return { kind: 'absent' }
    const copy = await readCopy(this.env.KV, keyId, ADOPTION_TIMEOUT_MS, 'account_kv_read')
    // Another call may have been faster.
    if (this.#stored !== null) return readingOf(this.#stored)
    if (copy.kind !== 'found') return copy
    const stored = adopted(copy.key)
    this.#store(stored)
    this.ctx.waitUntil(this.#publish())
    return readingOf(stored)
  }

  async create(key: NewKey): Promise<KeyReading | { kind: 'created'; key: ApiKey }> {
    if (this.#stored !== null) return readingOf(this.#stored)
    const stored = created(key)
    this.#store(stored)
    await this.#publish()
    return { kind: 'created', key: stored.key }
  }

  async update(keyId: string, patch: KeyPatch): Promise<KeyReading> {
    return this.#change(keyId, (key) => patched(key, patch))
  }

  async rotate(keyId: string, rotation: Rotation): Promise<KeyReading> {
    return this.#change(keyId, (key) => rotated(key, rotation))
  }

  /** A record that this version cannot read is deleted too. */
  async delete(keyId: string, deletedAt: string): Promise<KeyReading> {
    const reading = await this.read(keyId, false)
    if (this.#stored === null && reading.kind !== 'unreadable') return reading
    if (this.#stored !== null && this.#stored.deletedAt !== null) return { kind: 'absent' }
    const stored = deleted(this.#stored?.key ?? unreadableKey(keyId, deletedAt), deletedAt)
    this.#store(stored)
    await this.#publish()
    return readingOf(stored)
  }

  async republish(keyId: string): Promise<KeyReading> {
    const reading = await this.read(keyId, false)
    if (this.#stored === null) return reading
    this.#publication.forgetReports()
    this.#wakeAt(Date.now() + SAFETY_MS)
    await this.#publish()
    return readingOf(this.#stored)
  }

  override async alarm(): Promise<void> {
    this.#alarmAtMs = null
    await this.#publish()
  }

  async #change(keyId: string, change: (key: ApiKey) => StoredKey): Promise<KeyReading> {
    const reading = await this.read(keyId, false)
    // Another call may have changed the key since. The change is made to the record as it is now.
    if (this.#stored === null || this.#stored.deletedAt !== null) return reading
    const stored = change(this.#stored.key)
    this.#store(stored)
    await this.#publish()
    return readingOf(stored)
  }

  /** The record with its version, and the alarm. They are one transaction, since nothing in between is awaited. */
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
    this.#wakeForPublication(this.#stored)
  }

  #wakeForPublication(stored: StoredKey): void {
    const nextAtMs = this.#publication.nextAtMs(stored, Date.now())
    if (nextAtMs !== null) return this.#wakeAt(nextAtMs)
    if (this.#alarmAtMs === null) return
    this.#alarmAtMs = null
    void this.ctx.storage.deleteAlarm()
  }

  /** An alarm costs a row: one that comes earlier is left as it is. */
  #wakeAt(atMs: number): void {
    if (this.#alarmAtMs !== null && this.#alarmAtMs <= atMs) return
    this.#alarmAtMs = atMs
    void this.ctx.storage.setAlarm(atMs)
  }
}
