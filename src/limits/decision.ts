/** The questions to a limiter and its answers: the same types for every backend. */

import type { LimitStatus } from './fleet-share.ts'
import type { Limits } from './limits.ts'

/** The limits that a limiter enforces. A limit that is not set does not limit. A key without limits has no state. */
export type WindowLimits = Pick<Limits, 'requestsPerMinute' | 'tokensPerMinute' | 'mode'>

/** The cost of a request, for its limits. */
export interface Cost {
  readonly requests: 1
  /** The prompt's estimate and the tokens that are reserved for the completion. */
  readonly tokens: number
}

/** The cost of an admitted request, to be settled once the usage is known. Opaque to the caller. */
export interface Reservation {
  readonly keyId: string
  /** Names the state that counted the request. Another state does not settle it. */
  readonly isolateId: string
  readonly admittedAtMs: number
  /** 0 where requests are not limited. */
  readonly requests: 0 | 1
  /** 0 where tokens are not limited. */
  readonly tokens: number
  /** Set by `settle`: a second settlement changes nothing. */
  isSettled: boolean
}

/** The status of each limit that is set, after the decision. */
export interface LimitState {
  readonly requests?: LimitStatus
  readonly tokens?: LimitStatus
}

export interface Admitted {
  readonly admitted: true
  readonly reservation: Reservation
  readonly state: LimitState
}

/** Refused for now. Where several limits refuse, this is the limit with the longest wait. */
export interface Refused {
  readonly admitted: false
  readonly reason: 'requests' | 'tokens'
  /** Requests or tokens a minute. */
  readonly limit: number
  readonly used: number
  /** A retry after this time is admitted if no other request comes before it, ms: 1 to 60,000. */
  readonly retryAfterMs: number
  readonly state: LimitState
}

/** Refused for good: the request alone is larger than the limit. No retry is admitted. */
export interface TooLarge {
  readonly admitted: false
  readonly reason: 'tokens_too_large'
  /** Tokens a minute. */
  readonly limit: number
  readonly requestedTokens: number
  readonly state: LimitState
}

export type Decision = Admitted | Refused | TooLarge

/** Keeps a promise alive after the response: the runtime's `ctx.waitUntil`, bound. */
export type WaitUntil = (promise: Promise<unknown>) => void

/** A limiter. It counts in memory, and so it answers at once. */
export interface Limiter {
  /** Decides on a request, and counts its cost if it is admitted. */
  check(keyId: string, limits: WindowLimits, cost: Cost, nowMs: number, waitUntil: WaitUntil): Decision
  /**
   * The refusal that any request of the key gets now, by the limit of requests; `null` where there is none. It lets a request be
   * refused before its body is read.
   */
  refuseAny(keyId: string, limits: WindowLimits, nowMs: number, waitUntil: WaitUntil): Refused | null
  /** Replaces the reserved tokens by the actual tokens. A second call for the same reservation changes nothing. */
  settle(reservation: Reservation, actualTokens: number, nowMs: number): void
  /** Settles a request that was never sent: neither it nor its tokens count any more. */
  release(reservation: Reservation, nowMs: number): void
  /** The status of the key's limits. Nothing is counted. */
  peek(keyId: string, limits: WindowLimits, nowMs: number): LimitState
  /** Keys remembered now. */
  readonly size: number
}
