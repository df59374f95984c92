/** What a limiter is asked and what it answers: the same words for every backend. */

import type { Mode, LimitStatus } from './fleet-share.ts'

/** A key's limits, integers of at least 1. One not set does not limit; none set keeps no state at all. */
export interface Limits {
  readonly requestsPerMinute?: number | undefined
  /** From 00:00 UTC. */
  readonly requestsPerDay?: number | undefined
  readonly tokensPerMinute?: number | undefined
  /** How demand above the limit is met while counts are old: see `TOLERANCES`. Default `balanced`. */
  readonly mode?: Mode | undefined
}

/** What a request takes. Tokens: the prompt's estimate and what is reserved for the completion. */
export interface Cost {
  readonly requests: 1
  readonly tokens: number
}

/** What was taken, to be settled once the usage is known. Opaque to the caller. */
export interface Reservation {
  readonly keyId: string
  /** Which memory counted it: another one knows nothing of it. */
  readonly isolateId: string
  readonly admittedAtMs: number
  readonly tokens: number
  /** Set by the limiter: an end that is noticed twice is settled once. */
  isSettled: boolean
}

/** Where the key stands after the decision; only the limits that are set. */
export interface LimitState {
  readonly requests?: LimitStatus
  readonly requestsPerDay?: LimitStatus
  readonly tokens?: LimitStatus
}

export interface Admitted {
  readonly admitted: true
  readonly reservation: Reservation
  readonly state: LimitState
}

/** Refused for now. Of several limits that refuse, the one that refuses longest. */
export interface Refused {
  readonly admitted: false
  readonly reason: 'requests' | 'tokens' | 'requests_per_day'
  /** Requests a minute, tokens a minute, or requests a day. */
  readonly limit: number
  readonly used: number
  /**
   * A caller that waits so long is admitted, if nobody else comes meanwhile: 1 ms to 60,000 ms. For `requests_per_day` until
   * 00:00 UTC, and so hours.
   */
  readonly retryAfterMs: number
  readonly state: LimitState
}

/** Refused for good: the request alone is larger than all of the limit. There is no time after which it is admitted. */
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

/** A limiter. An exact backend may answer later, one that counts in memory answers at once. */
export interface Limiter {
  /** Decides on a request, and takes its cost if it is admitted. */
  check(
    keyId: string,
    limits: Limits,
    cost: Cost,
    nowMs: number,
    waitUntil: WaitUntil,
  ): Decision | Promise<Decision>
  /** Replaces the reserved tokens by the real ones. A second time changes nothing. */
  settle(reservation: Reservation, actualTokens: number, nowMs: number): void | Promise<void>
  /** Where the key stands, without taking anything. */
  peek(keyId: string, limits: Limits, nowMs: number): LimitState | Promise<LimitState>
}
