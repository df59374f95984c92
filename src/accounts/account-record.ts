/** The record of an account: who it belongs to, and the operator's changes to it. Each change is made to the record as it is then. */
import type { ApiKey, KeyReading } from '../keys/api-key.ts'
import { isGroupId } from '../keys/group-id.ts'
import { readCopy } from '../keys/key-copy.ts'
import type { AccountChanges } from './account-changes.ts'
import type { Account } from './account-store.ts'
import {
  adopted,
  created,
  deleted,
  type NewKey,
  readingOf,
  type StoredKey,
  unreadableKey,
} from './stored-key.ts'

/** How long an account waits for KV when it looks for a record of version 0.1. */
export const ADOPTION_TIMEOUT_MS = 2_000

export class AccountRecord {
  readonly #changes: AccountChanges
  readonly #kv: KVNamespace
  readonly #waitUntil: (work: Promise<unknown>) => void

  constructor(changes: AccountChanges, kv: KVNamespace, waitUntil: (work: Promise<unknown>) => void) {
    this.#changes = changes
    this.#kv = kv
    this.#waitUntil = waitUntil
  }

  /** The record as it is now. The account takes over a record of version 0.1 that it finds in KV, where no group has one. */
  async read(id: string, isAbsentInKv = false): Promise<KeyReading> {
    const known = this.#changes.account
    if (known !== null) return readingOf(known.stored)
    if (isAbsentInKv || isGroupId(id)) return { kind: 'absent' }
    const copy = await readCopy(this.#kv, id, ADOPTION_TIMEOUT_MS, 'account_kv_read')
    // Another call may have been faster.
    const { account } = this.#changes
    if (account !== null) return readingOf(account.stored)
    if (copy.kind !== 'found') return copy
    const stored = adopted(copy.key)
    this.#changes.save(stored)
    this.#waitUntil(this.#changes.publish())
    return readingOf(stored)
  }

  /** `null` where there is no such key or group. @throws Error where KV has to be asked and does not answer. The isolate tries again. */
  async find(id: string): Promise<Account | null> {
    if (this.#changes.account !== null) return this.#changes.account
    const { kind } = await this.read(id)
    if (this.#changes.account === null && kind !== 'absent') throw new Error(`the key is ${kind}`)
    return this.#changes.account
  }

  async create(key: NewKey): Promise<KeyReading | { kind: 'created'; key: ApiKey }> {
    if (this.#changes.account !== null) return readingOf(this.#changes.account.stored)
    const stored = created(key)
    await this.#put(stored)
    return { kind: 'created', key: stored.key }
  }

  async change(id: string, change: (key: ApiKey) => StoredKey): Promise<KeyReading> {
    const reading = await this.read(id)
    // Another call may have changed the record since.
    const { account } = this.#changes
    if (account === null || account.stored.deletedAt !== null) return reading
    return this.#put(change(account.stored.key))
  }

  /** A record that this version cannot read is deleted too. The usage stays. */
  async delete(id: string, deletedAt: string): Promise<KeyReading> {
    const reading = await this.read(id)
    const { account } = this.#changes
    if (account === null && reading.kind !== 'unreadable') return reading
    if (account !== null && account.stored.deletedAt !== null) return { kind: 'absent' }
    return this.#put(deleted(account?.stored.key ?? unreadableKey(id, deletedAt), deletedAt))
  }

  async republish(id: string): Promise<KeyReading> {
    const reading = await this.read(id)
    const { account } = this.#changes
    if (account === null) return reading
    await this.#changes.republish()
    return readingOf(account.stored)
  }

  async #put(stored: StoredKey): Promise<KeyReading> {
    this.#changes.save(stored)
    await this.#changes.publish()
    return readingOf(stored)
  }
}
