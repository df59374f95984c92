/**
 * The account of one key: the truth about its record, its money and its exact limits. Every change of the record goes through
 * it, so no change is lost, or undone by another one. KV gets a copy of each version, and the directory a report.
 */
import { DurableObject } from 'cloudflare:workers'
import type { ApiKey, KeyReading } from '../keys/api-key.ts'
import { refusalOfSecret } from '../keys/check-secret.ts'
import { isGroupId } from '../keys/group-id.ts'
import { readCopy } from '../keys/key-copy.ts'
import { log } from '../log.ts'
import { AccountAlerts } from './account-alerts.ts'
import { type Account, AccountStore } from './account-store.ts'
import { Alarm } from './alarm.ts'
import type { AccountBook } from './book.ts'
import { correctionsOf } from './corrections.ts'
import type { Bindings, KeyAccountCalls, KeyRequests } from './objects.ts'
import type { AccountAnswer, AccountRequest, KeyUsage, SettlementBatch, UsageQuestion } from './protocol.ts'
import { sourcesOf } from './publication-sources.ts'
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
  unreadableKey,
} from './stored-key.ts'

/** How long an account waits for KV when it looks for a record of version 0.1. */
export const ADOPTION_TIMEOUT_MS = 2_000
/** Least time between two deletions of old requests, ms. */
export const PRUNE_EVERY_MS = 3_600_000

/** A change is published at once. The alarm retries if the object ends first. */
const SAFETY_MS = ATTEMPT_TIMEOUT_MS + RETRY_MS

export class KeyAccount extends DurableObject<Bindings> implements KeyAccountCalls {
  readonly #store: AccountStore
  readonly #alarm: Alarm
  readonly #publication: Publication
  readonly #alerts: AccountAlerts
  #prunedAtMs = 0

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    this.#store = new AccountStore(ctx.storage)
    this.#alarm = new Alarm(ctx.storage)
    this.#publication = new Publication(
      ctx.storage.sql,
      sourcesOf(env, () => this.#store.account),
    )
    this.#alerts = new AccountAlerts(ctx.storage.sql, env, () => this.#store.account, this.#publication)
    void ctx.blockConcurrencyWhile(async () => {
      this.#store.load()
      if (this.#store.account === null) return
      await this.#alarm.load()
      // A new version may have another default budget, or the first webhook.
      this.#alerts.noteBudget(Date.now())
      // The runtime gives an alarm up after some failures. The next call to the account sets it again.
      this.#wake()
    })
  }

  /** The key as it is now. The account takes over a record of version 0.1 that it finds in KV. */
  async read(keyId: string, isAbsentInKv: boolean): Promise<KeyReading> {
    const known = this.#store.account
    if (known !== null) return readingOf(known.stored)
    // A group has no copy in KV.
    if (isAbsentInKv || isGroupId(keyId)) return { kind: 'absent' }
    const copy = await readCopy(this.env.KV, keyId, ADOPTION_TIMEOUT_MS, 'account_kv_read')
    // Another call may have been faster.
    const { account } = this.#store
    if (account !== null) return readingOf(account.stored)
    if (copy.kind !== 'found') return copy
    const stored = adopted(copy.key)
    this.#save(stored)
    this.ctx.waitUntil(this.#publish())
    return readingOf(stored)
  }

  async create(key: NewKey): Promise<KeyReading | { kind: 'created'; key: ApiKey }> {
    if (this.#store.account !== null) return readingOf(this.#store.account.stored)
    const stored = created(key)
    this.#save(stored)
    await this.#publish()
    return { kind: 'created', key: stored.key }
  }

  async update(keyId: string, patch: KeyPatch): Promise<KeyReading> {
    return this.#change(keyId, (key) => patched(key, patch))
  }

  async rotate(keyId: string, rotation: Rotation): Promise<KeyReading> {
    return this.#change(keyId, (key) => rotated(key, rotation))
  }

  /** A record that this version cannot read is deleted too. The usage stays. */
  async delete(keyId: string, deletedAt: string): Promise<KeyReading> {
    const reading = await this.read(keyId, false)
    const { account } = this.#store
    if (account === null && reading.kind !== 'unreadable') return reading
    if (account !== null && account.stored.deletedAt !== null) return { kind: 'absent' }
    const stored = deleted(account?.stored.key ?? unreadableKey(keyId, deletedAt), deletedAt)
    this.#save(stored)
    await this.#publish()
    return readingOf(stored)
  }

  /** The account judges the secret too: its record may be newer than the copy by which the isolate has judged it. */
  async admit(keyId: string, request: AccountRequest): Promise<AccountAnswer> {
    const account = await this.#find(keyId)
    if (account === null) return { revoked: true, reading: { kind: 'absent' } }
    const { key, deletedAt } = account.stored
    const nowMs = Date.now()
    if (deletedAt !== null || !opens(key, request.secretSha256, nowMs))
      return { revoked: true, reading: readingOf(account.stored) }
    const limits = { ...request.defaultLimits, ...key.limits }
    return this.#transact((book) => book.admit(request, limits, nowMs))
  }

  /** Settlements of a key that exists nowhere any more are dropped: there is nobody to book them for. */
  async settle(keyId: string, batch: SettlementBatch): Promise<void> {
    if ((await this.#find(keyId)) !== null) this.#transact((book) => book.settle(batch, Date.now()))
  }

  async renew(keyId: string, requestIds: readonly string[]): Promise<void> {
    if ((await this.#find(keyId)) !== null) this.#transact((book) => book.renew(requestIds, Date.now()))
  }

  async usage(
    keyId: string,
    { fromDate, toDate, defaultLimits }: UsageQuestion,
  ): Promise<KeyUsage | KeyReading> {
    const reading = await this.read(keyId, false)
    const { account } = this.#store
    if (account === null) return reading
    const { stored, book } = account
    const limits = { ...defaultLimits, ...stored.key.limits }
    const atMs = Date.now()
    const status = book.status(limits, atMs)
    const { deletedAt } = stored
    const { name } = stored.key
    return { kind: 'usage', name, atMs, limits, status, rows: book.rows(fromDate, toDate), deletedAt }
  }

  async requests(keyId: string): Promise<KeyRequests | KeyReading> {
    return this.#ofBook(keyId, (book) => ({
      kind: 'requests',
      requests: book.history.list().map((record) => ({ record, row: book.request(record.requestId) })),
    }))
  }

  async request(keyId: string, requestId: string) {
    return this.#ofBook(keyId, (book) => ({
      kind: 'request' as const,
      record: book.history.find(requestId),
      row: book.request(requestId),
    }))
  }

  async minutes(keyId: string) {
    return this.#ofBook(keyId, (book) => ({
      kind: 'minutes' as const,
      minutes: book.history.minutes(Date.now()),
    }))
  }

  async republish(keyId: string): Promise<KeyReading> {
    const reading = await this.read(keyId, false)
    const { account } = this.#store
    if (account === null) return reading
    this.#publication.forgetReports()
    this.#alarm.wakeAt(Date.now() + SAFETY_MS)
    await this.#publish()
    return readingOf(account.stored)
  }

  override async alarm(): Promise<void> {
    this.#alarm.noteRun()
    const { account } = this.#store
    if (account === null) return
    const nowMs = Date.now()
    const isPruneDue = nowMs - this.#prunedAtMs >= PRUNE_EVERY_MS
    if (isPruneDue) this.#prunedAtMs = nowMs
    this.#changeBook((book) => {
      book.expireLeases(nowMs)
      if (isPruneDue) book.prune(nowMs)
    })
    await this.#correct(account)
    await this.#publish()
    this.#alerts.noteTime(Date.now())
    await this.#alerts.send()
    this.#wake()
  }

  /** Puts the figures of AI Gateway's log in place of expected ones. */
  async #correct({ stored, book }: Account): Promise<void> {
    const due = book.duePending(Date.now())
    if (due.length === 0) return
    const corrections = await correctionsOf(this.env.AI, due)
    const nowMs = Date.now()
    const givenUp = this.#changeBook(
      () =>
        corrections.filter(({ requestId, booked }) => book.correct(requestId, booked, nowMs) === 'given_up')
          .length,
    )
    if (givenUp === 0) return
    const cause = `AI Gateway's log has no usage of ${givenUp} requests, which stay estimated`
    log({ event: 'trouble', what: 'usage_estimated', keyId: stored.key.id, cause }, 'warn')
  }

  /** The answer of the book, or the reading of a key that has no account. */
  async #ofBook<Answer>(keyId: string, answer: (book: AccountBook) => Answer): Promise<Answer | KeyReading> {
    const reading = await this.read(keyId, false)
    return this.#store.account === null ? reading : answer(this.#store.account.book)
  }

  async #change(keyId: string, change: (key: ApiKey) => StoredKey): Promise<KeyReading> {
    const reading = await this.read(keyId, false)
    // Another call may have changed the key since. The change is made to the record as it is now.
    const { account } = this.#store
    if (account === null || account.stored.deletedAt !== null) return reading
    const stored = change(account.stored.key)
    this.#save(stored)
    await this.#publish()
    return readingOf(stored)
  }

  /** `null` where there is no such key. @throws Error where KV has to be asked and does not answer. The isolate tries again. */
  async #find(keyId: string): Promise<Account | null> {
    if (this.#store.account !== null) return this.#store.account
    const { kind } = await this.read(keyId, false)
    if (this.#store.account === null && kind !== 'absent') throw new Error(`the key is ${kind}`)
    return this.#store.account
  }

  /** The record with its version, its alerts, and the alarm. They are one transaction, since nothing in between is awaited. */
  #save(stored: StoredKey): void {
    this.#store.save(stored)
    this.#alerts.noteBudget(Date.now())
    this.#alarm.wakeAt(Date.now() + SAFETY_MS)
  }

  /** Changes the book and sets the alarm for what it needs next. */
  #transact<Result>(change: (book: AccountBook) => Result): Result {
    const result = this.#changeBook(change)
    this.#wake()
    return result
  }

  /** Changes the book as a whole or not at all. Where that fails, the object restarts from what it has stored. */
  #changeBook<Result>(change: (book: AccountBook) => Result): Result {
    const { account } = this.#store
    if (account === null) throw new Error('the account has no key')
    try {
      return this.ctx.storage.transactionSync(() => {
        const result = change(account.book)
        this.#alerts.noteBudget(Date.now())
        return result
      })
    } catch (error) {
      this.ctx.abort('the book could not be written')
      throw error
    }
  }

  async #publish(): Promise<void> {
    const { account } = this.#store
    if (account !== null) await this.#publication.attempt(account.stored.key.id)
    this.#wake()
  }

  #wake(): void {
    const nowMs = Date.now()
    const bookDueMs = this.#store.account?.book.nextDueMs() ?? null
    const times = [this.#publication.nextAtMs(nowMs), bookDueMs, this.#alerts.nextAtMs(nowMs)]
    const nextAtMs = Math.min(...times.map((timeMs) => timeMs ?? Infinity))
    if (nextAtMs === Infinity) this.#alarm.clear()
    else this.#alarm.wakeAt(Math.max(Date.now(), nextAtMs))
  }
}

/** A group has no secret, so it is opened by none. */
function opens(key: ApiKey, secretSha256: string | null, nowMs: number): boolean {
  if (secretSha256 === null || isGroupId(key.id)) return secretSha256 === null && isGroupId(key.id)
  return refusalOfSecret(key, secretSha256, nowMs) === null
}
