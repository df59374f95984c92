/**
 * The book of one key's account: what is under way, what is booked, and what is still asked for. It is synchronous, so each
 * method is one transaction of a Durable Object. Times are arguments, ms since 1970.
 */
import { DAY_MS, dateOf } from '../calendar.ts'
import type { Limits } from '../limits/limits.ts'
import { type AdmissionState, refusalOf, statusOf } from './admission.ts'
import { admissionStateAt } from './book-state.ts'
import { BookHistory } from './book-history.ts'
import { BookRequests } from './book-requests.ts'
import type { BookSql, Ended, Pending, StoredRequest, UnderWay } from './book-schema.ts'
import { parseWhole } from './book-schema.ts'
import { BookUsage } from './book-usage.ts'
import { BookWindows } from './book-windows.ts'
import { book, type Booking, corrected, givenUp, NO_MODEL, refuse, replace } from './ledger.ts'
import type { AccountStatus, AdmissionReply, AdmissionRequest, BookedUsage } from './protocol.ts'
import type { RefusalReport, RequestEnd, SettlementBatch, SettlementEntry, UsageRow } from './protocol.ts'
import type { SettledRecord } from './request-record.ts'

/** A request holds its place and its worst case for so long after its admission or last renewal, ms. */
export const LEASE_MS = 900_000
/** The pauses before each question for a true usage, ms. After the last one the request stays estimated. */
export const CORRECTION_PAUSES_MS = [5_000, 30_000, 300_000, 3_600_000] as const
/** A settlement is booked on the day of its admission, but not further back than this, ms. */
export const ADMITTED_AGE_MAX_MS = 2 * DAY_MS
/** Writers are deleted so long after their last batch, ms. */
export const WRITER_KEPT_MS = DAY_MS

/** What became of a pending request when its answer was taken. */
export type Corrected = 'unchanged' | 'corrected' | 'given_up'

const NO_REFUSALS: RefusalReport = { limited: [], last: [] }

export class AccountBook {
  readonly history: BookHistory
  readonly #sql: BookSql
  readonly #requests: BookRequests
  readonly #usage: BookUsage
  readonly #windows = new BookWindows()

  /** The tables of `BOOK_MIGRATIONS` exist. */
  constructor(sql: BookSql) {
    this.#sql = sql
    this.#requests = new BookRequests(sql)
    this.#usage = new BookUsage(sql)
    this.history = new BookHistory(sql)
    this.#windows.replay(this.#requests.counted())
  }

  /** Grows with each change of the totals. */
  get revision(): number {
    return this.#usage.revision
  }

  /** Decides on a request. An admitted request is under way until it is settled, or until its lease ends. */
  admit(request: AdmissionRequest, limits: Limits, nowMs: number): AdmissionReply {
    const { requestId, model, expected, tokens } = request
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
    const settled = entries.filter((entry) => this.#settle(entry, nowMs))
    for (const { atMs, refused } of batch.refusals?.limited ?? []) {
      const date = dateOf(admittedAt(atMs, nowMs))
      this.#usage.change(date, NO_MODEL, (totals) => refuse(totals, refused))
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
    for (const request of this.#requests.underWay) {
      if (request.leaseUntilMs > nowMs) continue
      const booking: Booking = { booked: request.expected, certainty: 'estimated', failed: false }
      this.#usage.change(dateOf(request.admittedAtMs), request.model, (totals) => book(totals, booking))
      this.#requests.put({ ...identityOf(request), state: 'expired', settledAtMs: nowMs, booking })
    }
    this.#usage.write()
  }

  /** The requests whose true usage is to be asked for now. */
  duePending(nowMs: number): Pending[] {
    return [...this.#requests.pending].filter(({ dueAtMs }) => dueAtMs <= nowMs)
  }

  /**
   * Takes the answer for a pending request; `null` where there was none. After the last question it is given up, and stays
   * estimated. `unchanged` is the answer for a request that is not pending.
   */
  correct(requestId: string, booked: BookedUsage | null, nowMs: number): Corrected {
    const request = this.#requests.get(requestId)
    if (request?.state !== 'pending') return 'unchanged'
    const tries = request.tries + 1
    const pauseMs = CORRECTION_PAUSES_MS[tries]
    if (booked === null && pauseMs !== undefined) {
      this.#requests.put({ ...request, tries, dueAtMs: nowMs + pauseMs })
      return 'unchanged'
    }
    const booking = booked === null ? givenUp(request.booking) : corrected(request.booking, booked)
    this.#replace(request, booking)
    const { settledAtMs } = request
    this.#requests.put({ ...identityOf(request), state: 'settled', settledAtMs, booking })
    this.#usage.write()
    return booked === null ? 'given_up' : 'corrected'
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

  /** The totals that have changed since a revision. */
  changedSince(revision: number): UsageRow[] {
    return this.#usage.changedSince(revision)
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

  /** Whether the request was sent to the model and is booked now. */
  #settle(entry: SettlementEntry, nowMs: number): boolean {
    // A look in SQL for each request of a busy key would take more time than its booking.
    const known = entry.admittedBy === 'account' ? this.#requests.get(entry.requestId) : null
    // A request is settled once. Only a booking that was made because its lease ended is replaced.
    if (known !== null && known.state !== 'under_way' && known.state !== 'expired') return false
    const booking = entry.released === true ? null : bookingOf(entry)
    // An attempt is no request, so its times are none of a request.
    const end = entry.isAttempt === true ? null : entry.end
    if (known?.state === 'expired') this.#replace(known, booking, booking === null ? null : end)
    // Another model than the admitted one may have answered.
    const request =
      known?.state === 'under_way' ? { ...known, model: entry.model } : (known ?? unadmitted(entry, nowMs))
    if (known?.state !== 'expired' && booking !== null) {
      const date = dateOf(request.admittedAtMs)
      this.#usage.change(date, request.model, (totals) => book(totals, booking), end)
    }
    const ended = this.#endOf(request, entry, booking, nowMs)
    // The number of its batch keeps a request that an isolate admitted from being booked twice. So it needs no row.
    if (entry.admittedBy === 'account' || ended.state === 'pending') this.#requests.put(ended)
    return booking !== null
  }

  #endOf(request: Identity, entry: SettlementEntry, booking: Booking | null, nowMs: number): StoredRequest {
    const tokens = booking === null ? null : booking.booked.promptTokens + booking.booked.completionTokens
    const counted =
      request.counted?.settledAtMs === null
        ? this.#windows.settle(request.counted, tokens, nowMs)
        : request.counted
    const end = { ...identityOf(request), counted, settledAtMs: nowMs }
    if (booking === null) return { ...end, state: 'released' }
    if (booking.certainty !== 'pending' || entry.log === undefined)
      return { ...end, state: 'settled', booking }
    const dueAtMs = nowMs + CORRECTION_PAUSES_MS[0]
    return { ...end, state: 'pending', booking, log: entry.log, tries: 0, dueAtMs }
  }

  #replace(request: Ended | Pending, booking: Booking | null, end: RequestEnd | null = null): void {
    const date = dateOf(request.admittedAtMs)
    this.#usage.change(date, request.model, (totals) => replace(totals, request.booking, booking), end)
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

type Identity = Pick<UnderWay, 'requestId' | 'model' | 'admittedAtMs' | 'worstMicroUsd' | 'counted'>

function identityOf({ requestId, model, admittedAtMs, worstMicroUsd, counted }: Identity): Identity {
  return { requestId, model, admittedAtMs, worstMicroUsd, counted }
}

/** A request that its isolate admitted. */
function unadmitted({ requestId, model, admittedAtMs }: SettlementEntry, nowMs: number): Identity {
  return { requestId, model, admittedAtMs: admittedAt(admittedAtMs, nowMs), worstMicroUsd: 0, counted: null }
}

/** An isolate's time within bounds. */
function admittedAt(timeMs: number, nowMs: number): number {
  return Math.min(nowMs, Math.max(nowMs - ADMITTED_AGE_MAX_MS, timeMs))
}

/** A pending usage without a log entry has nothing to be corrected by. */
function bookingOf({ booked, certainty, failed, isAttempt, log }: SettlementEntry): Booking {
  return {
    booked,
    failed,
    certainty: certainty === 'pending' && log === undefined ? 'estimated' : certainty,
    isAttempt,
  }
}
