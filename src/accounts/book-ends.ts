/** The ends of requests in the book of an account: settlements, leases that have ended, and true usages that come later. */
import { DAY_MS, dateOf } from '../calendar.ts'
import type { BookRequests } from './book-requests.ts'
import type { Ended, Pending, StoredRequest, UnderWay } from './book-schema.ts'
import type { BookUsage } from './book-usage.ts'
import type { BookWindows } from './book-windows.ts'
import { book, type Booking, corrected, givenUp, replace } from './ledger.ts'
import type { BookedUsage, RequestEnd, SettlementEntry } from './protocol.ts'

/** The pauses before each question for a true usage, ms. After the last one the request stays estimated. */
export const CORRECTION_PAUSES_MS = [5_000, 30_000, 300_000, 3_600_000] as const
/** A settlement is booked on the day of its admission, but not further back than this, ms. */
export const ADMITTED_AGE_MAX_MS = 2 * DAY_MS

/** The result of a correction. */
export type Corrected = 'unchanged' | 'corrected' | 'given_up'

/** The caller writes the usage once it has made all its changes. */
export class BookEnds {
  readonly #requests: BookRequests
  readonly #usage: BookUsage
  readonly #windows: BookWindows

  constructor(requests: BookRequests, usage: BookUsage, windows: BookWindows) {
    this.#requests = requests
    this.#usage = usage
    this.#windows = windows
  }

  /** Whether the request was sent to the model and is booked now. */
  settle(entry: SettlementEntry, nowMs: number): boolean {
    // A look in SQL for each request of a busy key would take more time than its booking.
    const known = entry.admittedBy === 'account' ? this.#requests.get(entry.requestId) : null
    // A request is settled once. Only a booking that was made because its lease ended is replaced.
    if (known !== null && known.state !== 'under_way' && known.state !== 'expired') return false
    const booking = entry.released === true ? null : bookingOf(entry)
    // An attempt is no request, so its times are none of a request.
    const end = entry.isAttempt === true ? null : entry.end
    if (known?.state === 'expired') this.#replace(known, booking, booking === null ? null : end)
    // Another model than the admitted one may have answered.
    let request =
      known?.state === 'under_way' ? { ...known, model: entry.model } : (known ?? unadmitted(entry, nowMs))
    if (known?.state !== 'expired' && booking !== null) request = this.#book(request, booking, end)
    const ended = this.#endOf(request, entry, booking, nowMs)
    // The number of its batch keeps a request that an isolate admitted from being booked twice. So it needs no row.
    if (entry.admittedBy === 'account' || ended.state === 'pending') this.#requests.put(ended)
    return booking !== null
  }

  /** Books the requests whose lease has ended at their expected usage. */
  expireLeases(nowMs: number): void {
    for (const request of this.#requests.underWay) {
      if (request.leaseUntilMs > nowMs) continue
      const booking: Booking = { booked: request.expected, certainty: 'estimated', failed: false }
      const booked = this.#book(identityOf(request), booking, null)
      this.#requests.put({ ...booked, state: 'expired', settledAtMs: nowMs, booking })
    }
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
    this.#replace(request, booking, null)
    const { settledAtMs } = request
    this.#requests.put({ ...identityOf(request), state: 'settled', settledAtMs, booking })
    return booked === null ? 'given_up' : 'corrected'
  }

  /** The request with the tags of its row, where a later change of its booking finds it. */
  #book(request: Identity, booking: Booking, end: RequestEnd | null): Identity {
    const date = dateOf(request.admittedAtMs)
    const tags = this.#usage.tags.take(date, request.tags)
    this.#usage.change({ date, model: request.model, tags }, (totals) => book(totals, booking), end)
    return tags === request.tags ? request : { ...request, tags }
  }

  #replace(request: Ended | Pending, booking: Booking | null, end: RequestEnd | null): void {
    const { admittedAtMs, model, tags } = request
    const place = { date: dateOf(admittedAtMs), model, tags }
    this.#usage.change(place, (totals) => replace(totals, request.booking, booking), end)
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
}

/** An isolate's time within bounds. */
export function admittedAt(timeMs: number, nowMs: number): number {
  return Math.min(nowMs, Math.max(nowMs - ADMITTED_AGE_MAX_MS, timeMs))
}

type Identity = Pick<UnderWay, 'requestId' | 'model' | 'tags' | 'admittedAtMs' | 'worstMicroUsd' | 'counted'>

function identityOf({ requestId, model, tags, admittedAtMs, worstMicroUsd, counted }: Identity): Identity {
  return { requestId, model, tags, admittedAtMs, worstMicroUsd, counted }
}

/** A request that its isolate admitted. */
function unadmitted({ requestId, model, tags, admittedAtMs }: SettlementEntry, nowMs: number): Identity {
  const identity = { requestId, model, tags, worstMicroUsd: 0, counted: null }
  return { ...identity, admittedAtMs: admittedAt(admittedAtMs, nowMs) }
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
