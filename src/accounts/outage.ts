/**
 * Decides without the account while it does not answer: limits of the day and of concurrency are counted on from its last
 * reply, and money passes within a tenth of what was left, for five minutes. No clock, no I/O.
 */
import { DAY_MS } from '../calendar.ts'
import type { WindowLimits } from '../limits/decision.ts'
import type { LimitStatus } from '../limits/fleet-share.ts'
import type { AccountStatus, AdmissionRequest, Refusal } from './protocol.ts'

/** Money passes for so long after the first call without an answer, ms. */
export const OUTAGE_MONEY_MS = 300_000
/** The part of what was left that the worst cases of an outage may take together in one isolate. */
export const OUTAGE_MONEY_SHARE = 0.1
/** In an outage one request so often calls the account, ms. The others do not wait for it. */
export const OUTAGE_CALL_SPACING_MS = 1_000
/** The `retry-after` where a budget may not be spent now, ms. */
export const OUTAGE_RETRY_AFTER_MS = 5_000
/** The `retry-after` where all places are taken, ms. */
const PLACE_RETRY_AFTER_MS = 1_000

/** The limits that an isolate can count on by itself. Those of a minute are left to the limiter. */
export interface LocalLimits extends WindowLimits {
  readonly requestsPerDay?: number | undefined
  readonly concurrentRequests?: number | undefined
  readonly budget?: unknown
}

/** The last reply of the account. */
export interface LastReply {
  readonly status: AccountStatus
  readonly atMs: number
}

export type LocalDecision =
  | { outcome: 'admitted'; status: AccountStatus }
  | { outcome: 'refused'; refusal: Refusal; status: AccountStatus }
  | { outcome: 'unavailable'; retryAfterMs: number }

export class Outage {
  readonly #sinceMs: number
  readonly #last: LastReply | null
  #nextCallAtMs: number
  #day: number
  #usedToday: number
  #underWay: number
  /** The worst cases of requests that were admitted without the account. */
  #worstMicroUsd = 0

  /** `ended` requests gave back their place since the last reply. */
  constructor(last: LastReply | null, ended: number, nowMs: number) {
    this.#sinceMs = nowMs
    this.#nextCallAtMs = nowMs + OUTAGE_CALL_SPACING_MS
    this.#last = last
    this.#day = dayOf(last?.atMs ?? nowMs)
    this.#usedToday = last?.status.requestsPerDay?.used ?? 0
    this.#underWay = Math.max(0, (last?.status.concurrentRequests?.used ?? 0) - ended)
  }

  /** The limits by the last reply, whose status names each limit that is set; `null` where there was none. */
  get limits(): LocalLimits | null {
    if (this.#last === null) return null
    const { requests, tokens, requestsPerDay, concurrentRequests, budget } = this.#last.status
    return {
      requestsPerMinute: requests?.limit,
      tokensPerMinute: tokens?.limit,
      mode: 'exact',
      requestsPerDay: requestsPerDay?.limit,
      concurrentRequests: concurrentRequests?.limit,
      budget,
    }
  }

  /** Whether a request calls the account. The others decide at once. */
  isCallDue(nowMs: number): boolean {
    return nowMs >= this.#nextCallAtMs || nowMs < this.#sinceMs
  }

  noteCall(nowMs: number): void {
    this.#nextCallAtMs = nowMs + OUTAGE_CALL_SPACING_MS
  }

  /** A place of another isolate's request is not seen to end, so each isolate goes on with the places that it has. */
  noteEnd(): void {
    this.#underWay = Math.max(0, this.#underWay - 1)
  }

  /** Decides, and counts the request if it is admitted. */
  admit(request: AdmissionRequest, limits: LocalLimits, nowMs: number): LocalDecision {
    // A clock that steps back over midnight stays in the new day.
    if (dayOf(nowMs) > this.#day) {
      this.#day = dayOf(nowMs)
      this.#usedToday = 0
    }
    const reason = this.#spentLimit(limits)
    if (reason !== null) {
      const status = this.#status(limits, nowMs)
      return { outcome: 'refused', refusal: refusalOf(reason, status), status }
    }
    if (limits.budget !== undefined && !this.#isMoneyLeft(request.worstMicroUsd, nowMs)) {
      return { outcome: 'unavailable', retryAfterMs: OUTAGE_RETRY_AFTER_MS }
    }
    this.#usedToday += 1
    this.#underWay += 1
    this.#worstMicroUsd += request.worstMicroUsd
    return { outcome: 'admitted', status: this.#status(limits, nowMs) }
  }

  #spentLimit({ requestsPerDay, concurrentRequests }: LocalLimits) {
    if (requestsPerDay !== undefined && this.#usedToday >= requestsPerDay) return 'requests_per_day'
    if (concurrentRequests !== undefined && this.#underWay >= concurrentRequests) return 'concurrent_requests'
    return null
  }

  #isMoneyLeft(worstMicroUsd: number, nowMs: number): boolean {
    const leftMicroUsd = this.#last?.status.budget?.leftMicroUsd ?? 0
    const elapsedMs = nowMs - this.#sinceMs
    if (elapsedMs < 0 || elapsedMs >= OUTAGE_MONEY_MS) return false
    return this.#worstMicroUsd + worstMicroUsd <= leftMicroUsd * OUTAGE_MONEY_SHARE
  }

  #status({ requestsPerDay, concurrentRequests }: LocalLimits, nowMs: number): AccountStatus {
    const budget = this.#last?.status.budget
    const dayResetMs = (this.#day + 1) * DAY_MS - nowMs
    return {
      ...(budget !== undefined && { budget }),
      ...(requestsPerDay !== undefined && {
        requestsPerDay: limitStatus(requestsPerDay, this.#usedToday, dayResetMs),
      }),
      ...(concurrentRequests !== undefined && {
        concurrentRequests: limitStatus(concurrentRequests, this.#underWay, PLACE_RETRY_AFTER_MS),
      }),
    }
  }
}

function refusalOf(reason: 'requests_per_day' | 'concurrent_requests', status: AccountStatus): Refusal {
  const isDay = reason === 'requests_per_day'
  const { limit = 0, used = 0 } = (isDay ? status.requestsPerDay : status.concurrentRequests) ?? {}
  return { reason, limit, used, retryAfterMs: isDay ? null : PLACE_RETRY_AFTER_MS, refusedUntilMs: 0 }
}

function limitStatus(limit: number, used: number, resetMs: number): LimitStatus {
  return { limit, used, remaining: Math.max(0, limit - used), resetMs }
}

function dayOf(nowMs: number): number {
  return Math.floor(nowMs / DAY_MS)
}
