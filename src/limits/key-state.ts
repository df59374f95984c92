/** The state of one key in one isolate, and the decisions by it. No clock, no I/O. */

import type { Cost, Decision, LimitState, Refused, Reservation, WindowLimits } from './decision.ts'
import { dither, seedOf, limitStatus, TOLERANCES, waitMs } from './fleet-share.ts'
import type { LimitStatus, Terms } from './fleet-share.ts'
import { PeerViews } from './peer-views.ts'
import type { Measure } from './shard.ts'
import { RollingWindow } from './rolling-window.ts'

export class KeyState {
  readonly keyId: string
  /** Names this state among all states of the key. An isolate that evicted the key gives its new state a new id. */
  readonly isolateId: string
  readonly peers = new PeerViews()
  readonly #seed: number
  readonly #windows: { requests?: RollingWindow; tokens?: RollingWindow } = {}

  constructor(keyId: string, isolateId: string) {
    this.keyId = keyId
    this.isolateId = isolateId
    this.#seed = seedOf(`${isolateId}:${keyId}`)
  }

  /** The isolate's own counts of a measure, created when the measure is first limited. */
  window(measure: Measure): RollingWindow {
    return (this.#windows[measure] ??= new RollingWindow())
  }

  /** Rolls all counts to now. */
  roll(limits: WindowLimits, nowMs: number): void {
    if (limits.requestsPerMinute !== undefined) this.window('requests').roll(nowMs)
    if (limits.tokensPerMinute !== undefined) this.window('tokens').roll(nowMs)
    this.peers.roll(nowMs)
  }

  /**
   * Decides on a request, and counts its cost if it is admitted. The caller has rolled the state to now, and passes a whole
   * number of tokens.
   */
  decide(limits: WindowLimits, cost: Cost, nowMs: number): Decision {
    const { requestsPerMinute, tokensPerMinute } = limits
    if (tokensPerMinute !== undefined && cost.tokens > tokensPerMinute) {
      // The attempt is not counted as offered: it can never be admitted, and would enlarge this isolate's share.
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
    if (Math.max(requestsWaitMs, tokensWaitMs) > 0) {
      const state = this.limitState(limits, nowMs)
      if (tokensWaitMs > requestsWaitMs) return refused('tokens', state.tokens, tokensWaitMs, state)
      return refused('requests', state.requests, requestsWaitMs, state)
    }
    if (requestsPerMinute !== undefined) this.window('requests').admit(cost.requests)
    if (tokensPerMinute !== undefined) this.window('tokens').admit(cost.tokens)
    const requests = requestsPerMinute === undefined ? 0 : cost.requests
    const tokens = tokensPerMinute === undefined ? 0 : cost.tokens
    const { keyId, isolateId } = this
    const reservation = { keyId, isolateId, admittedAtMs: nowMs, requests, tokens, isSettled: false } as const
    return { admitted: true, reservation, state: this.limitState(limits, nowMs) }
  }

  /**
   * The refusal of any request, whatever its size: by the limit of requests. `null` where there is none. The caller has rolled
   * the state to now. A refused request counts as offered.
   */
  refuseAny(limits: WindowLimits, nowMs: number): Refused | null {
    const { requestsPerMinute: limit, mode } = limits
    if (limit === undefined) return null
    const window = this.window('requests')
    const wait = waitMs(window, this.peers.sums('requests'), this.#terms(limit, mode, nowMs), 1, nowMs)
    if (wait === 0) return null
    window.offer(1)
    const state = this.limitState(limits, nowMs)
    return refused('requests', state.requests, wait, state)
  }

  /** Replaces the reserved tokens by the actual tokens. */
  settle(reservation: Reservation, actualTokens: number, nowMs: number): void {
    // No token window exists where tokens are not limited.
    const window = this.#windows.tokens
    window?.roll(nowMs)
    window?.settle(reservation.admittedAtMs, reservation.tokens, actualTokens)
  }

  /** Takes back the counts of a request that was never sent. */
  release(reservation: Reservation, nowMs: number): void {
    this.settle(reservation, 0, nowMs)
    const window = this.#windows.requests
    window?.roll(nowMs)
    window?.settle(reservation.admittedAtMs, reservation.requests, 0)
  }

  /** The status of each limit that is set. The caller has rolled the state to now. */
  limitState(limits: WindowLimits, nowMs: number): LimitState {
    const { requestsPerMinute, tokensPerMinute } = limits
    const state: { -readonly [name in keyof LimitState]: LimitState[name] } = {}
    if (requestsPerMinute !== undefined)
      state.requests = this.#limitStatus('requests', requestsPerMinute, limits, nowMs)
    if (tokensPerMinute !== undefined)
      state.tokens = this.#limitStatus('tokens', tokensPerMinute, limits, nowMs)
    return state
  }

  // Counts the attempt as offered. Returns the time until it would be admitted, ms.
  #offer(
    measure: Measure,
    limit: number | undefined,
    amount: number,
    { mode }: WindowLimits,
    nowMs: number,
  ): number {
    if (limit === undefined) return 0
    const window = this.window(measure)
    window.offer(amount)
    return waitMs(window, this.peers.sums(measure), this.#terms(limit, mode, nowMs), amount, nowMs)
  }

  #limitStatus(measure: Measure, limit: number, { mode }: WindowLimits, nowMs: number): LimitStatus {
    return limitStatus(this.window(measure), this.peers.sums(measure), this.#terms(limit, mode, nowMs), nowMs)
  }

  #terms(limit: number, mode: WindowLimits['mode'], nowMs: number): Terms {
    return { limit, tolerance: TOLERANCES[mode ?? 'balanced'], dither: dither(this.#seed, nowMs) }
  }
}

function refused(
  reason: Refused['reason'],
  statusOfReason: LimitStatus | undefined,
  waitMs: number,
  state: LimitState,
): Refused {
  // The status is always defined: only a limit that is set refuses.
  const { limit, used } = statusOfReason ?? { limit: 0, used: 0 }
  return { admitted: false, reason, limit, used, retryAfterMs: Math.max(1, waitMs), state }
}
