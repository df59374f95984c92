/**
 * The book of one key's account: what is under way, what is booked, and what is still asked for. It is synchronous, so each
 * method is one transaction of a Durable Object. Times are arguments, ms since 1970.
 */
import { DAY_MS, dateOf } from '../calendar.ts'
import type { Limits } from '../limits/limits.ts'
import { type AdmissionState, refusalOf, statusOf } from './admission.ts'
import { admissionStateAt } from './book-state.ts'
import { admittedAt, BookEnds, type Corrected } from './book-ends.ts'
import { BookHistory } from './book-history.ts'
import { BookRequests } from './book-requests.ts'
import type { BookSql, Pending, StoredRequest } from './book-schema.ts'
import { parseWhole } from './book-schema.ts'
import { BookUsage, type UsageChanges } from './book-usage.ts'
import { BookWindows } from './book-windows.ts'
import { NO_MODEL, refuse } from './ledger.ts'
import type { AccountStatus, AdmissionReply, AdmissionRequest, BookedUsage } from './protocol.ts'
import type { RefusalReport, SettlementBatch, SettlementEntry } from './protocol.ts'
import type { UsageRow } from './usage-protocol.ts'
import type { SettledRecord } from './request-record.ts'

/** A request holds its place and its worst case for so long after its admission or last renewal, ms. */
export const LEASE_MS = 900_000
/** Writers are deleted so long after their last batch, ms. */
export const WRITER_KEPT_MS = DAY_MS

const NO_REFUSALS: RefusalReport = { limited: [], last: [] }

export class AccountBook {
  readonly history: BookHistory
  readonly #sql: BookSql
  readonly #requests: BookRequests
  readonly #usage: BookUsage
  readonly #windows = new BookWindows()
  readonly #ends: BookEnds

  /** The tables of `BOOK_MIGRATIONS` exist. */
  constructor(sql: BookSql) {
    this.#sql = sql
    this.#requests = new BookRequests(sql)
    this.#usage = new BookUsage(sql)
    this.#ends = new BookEnds(this.#requests, this.#usage, this.#windows)
    this.history = new BookHistory(sql)
    this.#windows.replay(this.#requests.counted())
  }

  /** Grows with each change of the totals. */
  get revision(): number {
    return this.#usage.revision
  }

  /** Decides on a request. An admitted request is under way until it is settled, or until its lease ends. */
  admit(request: AdmissionRequest, limits: Limits, nowMs: number): AdmissionReply {
    const { requestId, model, tags, expected, tokens } = request
    const known = this.#requests.get(requestId)
    if (known !== null) {
      // The call came twice, or after its own end. It counts once.
      const leaseUntilMs = known.state === 'under_way' ? known.leaseUntilMs : nowMs
      return { admitted: true, status: this.status(limits, nowMs), leaseUntilMs }
    }
    const state = this.#stateAt(limits, nowMs)
    const refusal = refusalOf(state, request, nowMs)
    if (refusal !== null) return { admitted: false, refusal, status: statusOf(state, nowMs), limits }
    const leaseUntilMs = nowMs + LEASE_MS
    this.#requests.put({
      state: 'under_way',
      requestId,
      model,
      tags,
      admittedAtMs: nowMs,
      counted: this.#windows.admit(tokens),
      leaseUntilMs,
      worstMicroUsd: Math.max(1, request.worstMicroUsd),
      expected,
    })
    return { admitted: true, status: this.status(limits, nowMs), leaseUntilMs }
  }

  /** Requests that are not under way have no lease. */
  renew(requestIds: readonly string[], nowMs: number): void {
    for (const requestId of requestIds) {
      const known = this.#requests.get(requestId)
      if (known?.state === 'under_way') this.#requests.put({ ...known, leaseUntilMs: nowMs + LEASE_MS })
    }
  }

  /** Books a batch, unless it was booked before. */
  settle(batch: SettlementBatch, nowMs: number): void {
    const { writerId, number, entries } = batch
    const [writer] = this.#sql.exec('SELECT number FROM writers WHERE id = ?', writerId).toArray()
    if (writer !== undefined && number <= parseWhole(writer['number'])) return
    const settled = entries.filter((entry) => this.#ends.settle(entry, nowMs))
    for (const { atMs, refused } of batch.refusals?.limited ?? []) {
      const date = dateOf(admittedAt(atMs, nowMs))
      this.#usage.change({ date, model: NO_MODEL }, (totals) => refuse(totals, refused))
    }
    this.#usage.write()
    this.history.add(settled.map(recordOf), batch.refusals ?? NO_REFUSALS, nowMs, (timeMs) =>
      admittedAt(timeMs, nowMs),
    )
    // Rows of their own keep requests of the account from being booked twice.
    if (batch.refusals !== undefined || entries.some(({ admittedBy }) => admittedBy === 'isolate')) {
      const statement = 'INSERT OR REPLACE INTO writers (id, number, at_ms) VALUES (?, ?, ?)'
      this.#sql.exec(statement, writerId, number, nowMs)
    }
  }

  /** Books the requests whose lease has ended at their expected usage. */
  expireLeases(nowMs: number): void {
    this.#ends.expireLeases(nowMs)
    this.#usage.write()
  }

  /** The requests whose true usage is to be asked for now. */
  duePending(nowMs: number): Pending[] {
    return [...this.#requests.pending].filter(({ dueAtMs }) => dueAtMs <= nowMs)
  }

  /** Takes the answer for a pending request; `null` where there was none. */
  correct(requestId: string, booked: BookedUsage | null, nowMs: number): Corrected {
    const outcome = this.#ends.correct(requestId, booked, nowMs)
    this.#usage.write()
    return outcome
  }

  /** When a lease ends or a usage is to be asked for; `null` for never. */
  nextDueMs(): number | null {
    let dueMs = Infinity
    for (const { leaseUntilMs } of this.#requests.underWay) dueMs = Math.min(dueMs, leaseUntilMs)
    for (const { dueAtMs } of this.#requests.pending) dueMs = Math.min(dueMs, dueAtMs)
    return dueMs === Infinity ? null : dueMs
  }

  /** The totals from one UTC date to the other, both included. */
  rows(fromDate: string, toDate: string): UsageRow[] {
    return this.#usage.rows(fromDate, toDate)
  }

  /** The totals that have changed since a revision, up to another one at which they are about so many rows. */
  changedSince(revision: number, rowsMax: number): UsageChanges {
    return this.#usage.changedSince(revision, rowsMax)
  }

  /** The row of a request that is under way, is asked for, or was admitted by this account in the last day. */
  request(requestId: string): StoredRequest | null {
    return this.#requests.get(requestId)
  }

  /** The cost that is booked on the dates that begin with `dates`. */
  bookedMicroUsd(dates: string): number {
    return this.#usage.sumOf(dates).costMicroUsd
  }

  status(limits: Limits, nowMs: number): AccountStatus {
    return statusOf(this.#stateAt(limits, nowMs), nowMs)
  }

  /** Forgets what is too old to be asked for. */
  prune(nowMs: number): void {
    this.#requests.prune(nowMs)
    this.#sql.exec('DELETE FROM writers WHERE at_ms < ?', nowMs - WRITER_KEPT_MS)
    this.#usage.foldOldDays(nowMs)
  }

  #stateAt(limits: Limits, nowMs: number): AdmissionState {
    this.#windows.roll(nowMs)
    return admissionStateAt(this.#requests, this.#usage, this.#windows, limits, nowMs)
  }
}

function recordOf(entry: SettlementEntry): SettledRecord {
  const { requestId, model, admittedAtMs, admittedBy, booked, certainty, isAttempt, end } = entry
  return { kind: 'settled', requestId, model, admittedAtMs, admittedBy, booked, certainty, isAttempt, end }
}
