/** What one isolate remembers of one key, and how it decides by that. No clock, no I/O. */

import { DayCount } from './day-count.ts'
import type { Cost, Decision, Limits, LimitState, Refused, Reservation } from './decision.ts'
import { dither, seedOf, limitStatus, TOLERANCES, waitMs } from './fleet-share.ts'
import type { LimitStatus, Terms } from './fleet-share.ts'
import { PeerViews } from './peer-views.ts'
import type { Measure } from './peer-views.ts'
import { RollingWindow } from './rolling-window.ts'

export class KeyState {
  readonly keyId: string
  /** Names this memory among all that count the key: an isolate that forgot a key and meets it again counts as another. */
  readonly isolateId: string
  readonly day = new DayCount()
  readonly peers = new PeerViews()
  readonly #seed: number
  readonly #windows: { requests?: RollingWindow; tokens?: RollingWindow } = {}

  constructor(keyId: string, isolateId: string) {
    this.keyId = keyId
    this.isolateId = isolateId
    this.#seed = seedOf(`${isolateId}:${keyId}`)
  }

  /** The own counts of a measure, made when the measure is first limited. */
  window(measure: Measure): RollingWindow {
    return (this.#windows[measure] ??= new RollingWindow())
  }

  /** Brings everything up to now. */
  roll(limits: Limits, nowMs: number): void {
    if (limits.requestsPerMinute !== undefined) this.window('requests').roll(nowMs)
    if (limits.tokensPerMinute !== undefined) this.window('tokens').roll(nowMs)
    if (limits.requestsPerDay !== undefined) this.day.roll(nowMs)
    this.peers.roll(nowMs)
  }

  /** Decides on a request, and takes its cost if it is admitted. Rolled to now. Whole tokens only. */
  decide(limits: Limits, cost: Cost, nowMs: number): Decision {
    const { requestsPerMinute, tokensPerMinute, requestsPerDay } = limits
    if (tokensPerMinute !== undefined && cost.tokens > tokensPerMinute) {
      // Not offered: demand that can never be met would take a share of the limit from the demand that can.
      const state = this.limitState(limits, nowMs)
      return {
        admitted: false,
        reason: 'tokens_too_large',
        limit: tokensPerMinute,
        requestedTokens: cost.tokens,
        state,
      }
    }
    const requestsWaitMs = this.#offer('requests', requestsPerMinute, cost.requests, limits, nowMs)
    const tokensWaitMs = this.#offer('tokens', tokensPerMinute, cost.tokens, limits, nowMs)
    const isDaySpent = requestsPerDay !== undefined && this.day.used + cost.requests > requestsPerDay
    const dayWaitMs = isDaySpent ? this.day.resetMs(nowMs) : 0
    if (Math.max(requestsWaitMs, tokensWaitMs, dayWaitMs) > 0) {
      const state = this.limitState(limits, nowMs)
      if (dayWaitMs > Math.max(requestsWaitMs, tokensWaitMs))
        return refused('requests_per_day', state.requestsPerDay, dayWaitMs, state)
      if (tokensWaitMs > requestsWaitMs) return refused('tokens', state.tokens, tokensWaitMs, state)
      return refused('requests', state.requests, requestsWaitMs, state)
    }
    if (requestsPerMinute !== undefined) this.window('requests').admit(cost.requests)
    if (tokensPerMinute !== undefined) this.window('tokens').admit(cost.tokens)
    if (requestsPerDay !== undefined) this.day.admit(cost.requests)
    const tokens = tokensPerMinute === undefined ? 0 : cost.tokens
    const { keyId, isolateId } = this
    const reservation = { keyId, isolateId, admittedAtMs: nowMs, tokens, isSettled: false }
    return { admitted: true, reservation, state: this.limitState(limits, nowMs) }
  }

  /** Replaces reserved tokens by the real ones. */
  settle(reservation: Reservation, actualTokens: number, nowMs: number): void {
    // Where tokens are not limited, none were counted.
    const window = this.#windows.tokens
    window?.roll(nowMs)
    window?.settle(reservation.admittedAtMs, reservation.tokens, actualTokens)
  }

  /** Where the limits stand. Rolled to now. */
  limitState(limits: Limits, nowMs: number): LimitState {
    const { requestsPerMinute, tokensPerMinute, requestsPerDay } = limits
    const state: { -readonly [name in keyof LimitState]: LimitState[name] } = {}
    if (requestsPerMinute !== undefined)
      state.requests = this.#limitStatus('requests', requestsPerMinute, limits, nowMs)
    if (tokensPerMinute !== undefined)
      state.tokens = this.#limitStatus('tokens', tokensPerMinute, limits, nowMs)
    if (requestsPerDay !== undefined) {
      const { used } = this.day
      const remaining = Math.max(0, requestsPerDay - used)
      state.requestsPerDay = { limit: requestsPerDay, used, remaining, resetMs: this.day.resetMs(nowMs) }
    }
    return state
  }

  // Counts the attempt, and returns how long until it would be admitted, ms.
  #offer(
    measure: Measure,
    limit: number | undefined,
    amount: number,
    { mode }: Limits,
    nowMs: number,
  ): number {
    if (limit === undefined) return 0
    const window = this.window(measure)
    window.offer(amount)
    return waitMs(window, this.peers.sums(measure), this.#terms(limit, mode, nowMs), amount, nowMs)
  }

  #limitStatus(measure: Measure, limit: number, { mode }: Limits, nowMs: number): LimitStatus {
    return limitStatus(this.window(measure), this.peers.sums(measure), this.#terms(limit, mode, nowMs), nowMs)
  }

  #terms(limit: number, mode: Limits['mode'], nowMs: number): Terms {
    return { limit, tolerance: TOLERANCES[mode ?? 'balanced'], dither: dither(this.#seed, nowMs) }
  }
}

function refused(
  reason: Refused['reason'],
  statusOfReason: LimitStatus | undefined,
  waitedMs: number,
  state: LimitState,
): Refused {
  // Always there: only a limit that is set refuses.
  const { limit, used } = statusOfReason ?? { limit: 0, used: 0 }
  return { admitted: false, reason, limit, used, retryAfterMs: Math.max(1, waitedMs), state }
}
