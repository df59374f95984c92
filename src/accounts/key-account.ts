/**
 * The account of a key or of a group: the truth about its record, its money and its exact limits. Every change of the record
 * goes through it, so no change is lost, or undone by another one.
 */
import { DurableObject } from 'cloudflare:workers'
import type { ApiKey, KeyReading } from '../keys/api-key.ts'
import { refusalOfSecret } from '../keys/check-secret.ts'
import { isGroupId } from '../keys/group-id.ts'
import { log } from '../log.ts'
import { AccountChanges } from './account-changes.ts'
import { AccountRecord } from './account-record.ts'
import type { Account } from './account-store.ts'
import type { AccountBook } from './book.ts'
import { correctionsOf } from './corrections.ts'
import type { Bindings, KeyAccountCalls, KeyRequests } from './objects.ts'
import type { AccountAnswer, AccountRequest, SettlementBatch } from './protocol.ts'
import type { KeyUsage, UsageQuestion } from './usage-protocol.ts'
import { type KeyPatch, type NewKey, patched, readingOf, rotated, type Rotation } from './stored-key.ts'
import { taggedTotals, withoutTags } from './tagged-usage.ts'

/** Least time between two deletions of old requests, ms. */
export const PRUNE_EVERY_MS = 3_600_000

export class KeyAccount extends DurableObject<Bindings> implements KeyAccountCalls {
  readonly #changes: AccountChanges
  readonly #record: AccountRecord
  #prunedAtMs = 0

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    this.#changes = new AccountChanges(ctx, env)
    this.#record = new AccountRecord(this.#changes, env.KV, (work) => ctx.waitUntil(work))
    void ctx.blockConcurrencyWhile(() => this.#changes.load())
  }

  async read(keyId: string, isAbsentInKv: boolean): Promise<KeyReading> {
    return this.#record.read(keyId, isAbsentInKv)
  }

  async create(key: NewKey): Promise<KeyReading | { kind: 'created'; key: ApiKey }> {
    return this.#record.create(key)
  }

  async update(keyId: string, patch: KeyPatch): Promise<KeyReading> {
    return this.#record.change(keyId, (key) => patched(key, patch))
  }

  async rotate(keyId: string, rotation: Rotation): Promise<KeyReading> {
    return this.#record.change(keyId, (key) => rotated(key, rotation))
  }

  async delete(keyId: string, deletedAt: string): Promise<KeyReading> {
    return this.#record.delete(keyId, deletedAt)
  }

  async republish(keyId: string): Promise<KeyReading> {
    return this.#record.republish(keyId)
  }

  /** The account judges the secret too: its record may be newer than the copy by which the isolate has judged it. */
  async admit(keyId: string, request: AccountRequest): Promise<AccountAnswer> {
    const account = await this.#record.find(keyId)
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
    if ((await this.#record.find(keyId)) === null) return
    this.#transact((book) => book.settle(batch, Date.now()))
  }

  async renew(keyId: string, requestIds: readonly string[]): Promise<void> {
    if ((await this.#record.find(keyId)) === null) return
    this.#transact((book) => book.renew(requestIds, Date.now()))
  }

  async usage(keyId: string, question: UsageQuestion): Promise<KeyUsage | KeyReading> {
    const { fromDate, toDate, defaultLimits } = question
    return this.#ofAccount(keyId, ({ stored: { key, deletedAt }, book }) => {
      const limits = { ...defaultLimits, ...key.limits }
      const atMs = Date.now()
      const status = book.status(limits, atMs)
      const { name } = key
      const all = book.rows(fromDate, toDate)
      const [rows, tags] = [withoutTags(all), taggedTotals(all)]
      return { kind: 'usage', name, atMs, limits, status, rows, tags, deletedAt }
    })
  }

  async requests(keyId: string): Promise<KeyRequests | KeyReading> {
    return this.#ofAccount(keyId, ({ book }) => ({
      kind: 'requests',
      requests: book.history.list().map((record) => ({ record, row: book.request(record.requestId) })),
    }))
  }

  async request(keyId: string, requestId: string) {
    return this.#ofAccount(keyId, ({ book }) => ({
      kind: 'request' as const,
      record: book.history.find(requestId),
      row: book.request(requestId),
    }))
  }

  async minutes(keyId: string) {
    return this.#ofAccount(keyId, ({ book }) => ({
      kind: 'minutes' as const,
      minutes: book.history.minutes(Date.now()),
    }))
  }

  override async alarm(): Promise<void> {
    await this.#changes.runAlarm(async (account) => {
      const nowMs = Date.now()
      const isPruneDue = nowMs - this.#prunedAtMs >= PRUNE_EVERY_MS
      if (isPruneDue) this.#prunedAtMs = nowMs
      this.#changes.changeBook((book) => {
        book.expireLeases(nowMs)
        if (isPruneDue) book.prune(nowMs)
      })
      await this.#correct(account)
    })
  }

  /** Puts the figures of AI Gateway's log in place of expected ones. */
  async #correct({ stored, book }: Account): Promise<void> {
    const due = book.duePending(Date.now())
    if (due.length === 0) return
    const corrections = await correctionsOf(this.env.AI, due)
    const nowMs = Date.now()
    const givenUp = this.#changes.changeBook(
      () =>
        corrections.filter(({ requestId, booked }) => book.correct(requestId, booked, nowMs) === 'given_up')
          .length,
    )
    if (givenUp === 0) return
    const cause = `AI Gateway's log has no usage of ${givenUp} requests, which stay estimated`
    log({ event: 'trouble', what: 'usage_estimated', keyId: stored.key.id, cause }, 'warn')
  }

  /** The answer of the account, or the reading of a key that has none. */
  async #ofAccount<Answer>(
    keyId: string,
    answer: (account: Account) => Answer,
  ): Promise<Answer | KeyReading> {
    const reading = await this.#record.read(keyId)
    return this.#changes.account === null ? reading : answer(this.#changes.account)
  }

  /** Changes the book, and sets the alarm for what it needs next. */
  #transact<Result>(change: (book: AccountBook) => Result): Result {
    const result = this.#changes.changeBook(change)
    this.#changes.wake()
    return result
  }
}

/** A group has no secret, so it is opened by none. */
function opens(key: ApiKey, secretSha256: string | null, nowMs: number): boolean {
  if (secretSha256 === null || isGroupId(key.id)) return secretSha256 === null && isGroupId(key.id)
  return refusalOfSecret(key, secretSha256, nowMs) === null
}
