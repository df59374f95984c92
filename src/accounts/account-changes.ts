/**
 * The changes of an account: its record or its book, with the alerts and the alarm that a change needs, in one transaction. KV
 * and the directory are told afterwards.
 */
import { AccountAlerts } from './account-alerts.ts'
import { type Account, AccountStore } from './account-store.ts'
import { Alarm } from './alarm.ts'
import type { AccountBook } from './book.ts'
import type { Bindings } from './objects.ts'
import { sourcesOf } from './publication-sources.ts'
import { ATTEMPT_TIMEOUT_MS, Publication, RETRY_MS } from './publication.ts'
import type { StoredKey } from './stored-key.ts'

/** A change is published at once. The alarm retries if the object ends first. */
const SAFETY_MS = ATTEMPT_TIMEOUT_MS + RETRY_MS

export class AccountChanges {
  readonly #ctx: DurableObjectState
  readonly #store: AccountStore
  readonly #alarm: Alarm
  readonly #publication: Publication
  readonly #alerts: AccountAlerts

  constructor(ctx: DurableObjectState, env: Bindings) {
    const accountOf = () => this.#store.account
    this.#ctx = ctx
    this.#store = new AccountStore(ctx.storage)
    this.#alarm = new Alarm(ctx.storage)
    this.#publication = new Publication(ctx.storage.sql, sourcesOf(env, accountOf))
    this.#alerts = new AccountAlerts(ctx.storage.sql, env, accountOf, this.#publication)
  }

  /** `null` where there is no such key or group. */
  get account(): Account | null {
    return this.#store.account
  }

  /** Reads what an earlier life of the object has stored. */
  async load(): Promise<void> {
    this.#store.load()
    if (this.#store.account === null) return
    await this.#alarm.load()
    // A new version may have another default budget, or the first webhook.
    this.#alerts.noteBudget(Date.now())
    // The runtime gives an alarm up after some failures. The next call to the account sets it again.
    this.wake()
  }

  /** The record with its version, its alerts, and the alarm. They are one transaction, since nothing in between is awaited. */
  save(stored: StoredKey): void {
    this.#store.save(stored)
    this.#alerts.noteBudget(Date.now())
    this.#alarm.wakeAt(Date.now() + SAFETY_MS)
  }

  /**
   * Changes the book as a whole or not at all. Where that fails, the object restarts from what it has stored. `wake` must
   * follow.
   */
  changeBook<Result>(change: (book: AccountBook) => Result): Result {
    const { account } = this.#store
    if (account === null) throw new Error('the account has no key')
    try {
      return this.#ctx.storage.transactionSync(() => {
        const result = change(account.book)
        this.#alerts.noteBudget(Date.now())
        return result
      })
    } catch (error) {
      this.#ctx.abort('the book could not be written')
      throw error
    }
  }

  /** It never throws, and ends within `ATTEMPT_TIMEOUT_MS`. What fails is retried by alarm. */
  async publish(): Promise<void> {
    const { account } = this.#store
    if (account !== null) await this.#publication.attempt(account.stored.key.id)
    this.wake()
  }

  /** Reports to the directory as if nothing had ever been reported. */
  async republish(): Promise<void> {
    this.#publication.forgetReports()
    this.#alarm.wakeAt(Date.now() + SAFETY_MS)
    await this.publish()
  }

  /** Runs the work that the account's alarm is for: `upkeep` of the book, publication and alerts. */
  async runAlarm(upkeep: (account: Account) => Promise<void>): Promise<void> {
    this.#alarm.noteRun()
    const { account } = this.#store
    if (account === null) return
    await upkeep(account)
    await this.publish()
    this.#alerts.noteTime(Date.now())
    await this.#alerts.send()
    this.wake()
  }

  /** Sets the alarm for what is due next. */
  wake(): void {
    const nowMs = Date.now()
    const bookDueMs = this.#store.account?.book.nextDueMs() ?? null
    const times = [this.#publication.nextAtMs(nowMs), bookDueMs, this.#alerts.nextAtMs(nowMs)]
    const nextAtMs = Math.min(...times.map((timeMs) => timeMs ?? Infinity))
    if (nextAtMs === Infinity) this.#alarm.clear()
    else this.#alarm.wakeAt(Math.max(Date.now(), nextAtMs))
  }
}
