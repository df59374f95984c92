/** Decides whether a key's account admits a request. All limits are exact here, whatever the key's mode. No clock, no I/O. */
import { DAY_MS, periodEndMs } from '../calendar.ts'
import type { LimitStatus } from '../limits/fleet-share.ts'
import type { Budget, Limits } from '../limits/limits.ts'
import type { RollingWindow } from '../limits/rolling-window.ts'
import type { AccountStatus, AdmissionRequest, BudgetStatus, Refusal } from './protocol.ts'

/** When a client retries that waits for other requests to end, ms. Nobody knows when they end. */
export const BUSY_RETRY_MS = 1_000
/** An isolate believes that others are under way for so long, ms. */
export const BUSY_BELIEVED_MS = 100
/** An isolate believes a spent day or budget for so long, ms, so that it notices when the operator raises it. */
export const SPENT_BELIEVED_MS = 30_000

export interface AdmissionState {
  readonly limits: Limits
  /** Booked in the budget's period. */
  readonly bookedMicroUsd: number
  /** The worst cases of requests under way that were admitted in the budget's period. */
  readonly underWayMicroUsd: number
  /** Requests under way with a live lease. */
  readonly concurrent: number
  /** Requests admitted on this UTC day. */
  readonly requestsOfDay: number
  /** Requests of the last minute, rolled to now. */
  readonly requests: RollingWindow
  /** Tokens of the last minute, rolled to now. */
  readonly tokens: RollingWindow
}

/** Why the request is refused, or `null` where it is admitted. A spent budget comes first, then the longest wait. */
export function refusalOf(state: AdmissionState, request: AdmissionRequest, nowMs: number): Refusal | null {
  const refusals = [
    budgetRefusal(state, request, nowMs),
    tokensRefusal(state, request, nowMs),
    dayRefusal(state, nowMs),
    requestsRefusal(state, nowMs),
    concurrencyRefusal(state, nowMs),
  ].filter((refusal) => refusal !== null)
  const [first, ...others] = refusals
  if (first === undefined) return null
  if (first.reason === 'budget_spent') return first
  return others.reduce((longest, other) => (waitOf(other) > waitOf(longest) ? other : longest), first)
}

/** The status of each limit that is set. */
export function statusOf(state: AdmissionState, nowMs: number): AccountStatus {
  const { limits } = state
  const budget = budgetOf(state, nowMs)
  return {
    ...(limits.requestsPerMinute !== undefined && {
      requests: windowStatus(state.requests, limits.requestsPerMinute, nowMs),
    }),
    ...(limits.tokensPerMinute !== undefined && {
      tokens: windowStatus(state.tokens, limits.tokensPerMinute, nowMs),
    }),
    ...(limits.requestsPerDay !== undefined && {
      requestsPerDay: limitStatus(limits.requestsPerDay, state.requestsOfDay, untilMidnightMs(nowMs)),
    }),
    ...(limits.concurrentRequests !== undefined && {
      concurrentRequests: limitStatus(limits.concurrentRequests, state.concurrent, 0),
    }),
    ...(budget !== null && { budget }),
  }
}

function budgetRefusal(state: AdmissionState, request: AdmissionRequest, nowMs: number): Refusal | null {
  const budget = budgetOf(state, nowMs)
  if (budget === null) return null
  const { limitMicroUsd, bookedMicroUsd, underWayMicroUsd, renewsAtMs } = budget
  const leftMicroUsd = limitMicroUsd - bookedMicroUsd
  if (leftMicroUsd <= 0) {
    return {
      reason: 'budget_spent',
      limit: limitMicroUsd,
      used: bookedMicroUsd,
      retryAfterMs: null,
      refusedUntilMs: Math.min(renewsAtMs ?? Infinity, nowMs + SPENT_BELIEVED_MS),
    }
  }
  // A request whose worst case alone exceeds what is left runs alone: it overspends once at most.
  if (underWayMicroUsd === 0 || underWayMicroUsd + request.worstMicroUsd <= leftMicroUsd) return null
  return {
    reason: 'budget_under_way',
    limit: limitMicroUsd,
    used: bookedMicroUsd + underWayMicroUsd,
    retryAfterMs: BUSY_RETRY_MS,
    refusedUntilMs: nowMs + BUSY_BELIEVED_MS,
    fitting: Math.max(1, Math.floor(leftMicroUsd / request.worstMicroUsd)),
  }
}

function tokensRefusal(
  { limits, tokens: window }: AdmissionState,
  request: AdmissionRequest,
  nowMs: number,
): Refusal | null {
  const limit = limits.tokensPerMinute
  if (limit === undefined) return null
  const { tokens } = request
  if (tokens > limit) {
    return { reason: 'tokens_too_large', limit, used: tokens, retryAfterMs: null, refusedUntilMs: 0 }
  }
  const waitMs = window.waitMs(limit - tokens, 0, nowMs)
  if (waitMs === 0) return null
  // A smaller request may fit at any time, so the isolate asks again.
  return { reason: 'tokens', limit, used: window.admitted, retryAfterMs: waitMs, refusedUntilMs: 0 }
}

function requestsRefusal({ limits, requests: window }: AdmissionState, nowMs: number): Refusal | null {
  const limit = limits.requestsPerMinute
  if (limit === undefined) return null
  const waitMs = window.waitMs(limit - 1, 0, nowMs)
  if (waitMs === 0) return null
  return {
    reason: 'requests',
    limit,
    used: window.admitted,
    retryAfterMs: waitMs,
    refusedUntilMs: nowMs + waitMs,
  }
}

function dayRefusal({ limits, requestsOfDay }: AdmissionState, nowMs: number): Refusal | null {
  const limit = limits.requestsPerDay
  if (limit === undefined || requestsOfDay < limit) return null
  return {
    reason: 'requests_per_day',
    limit,
    used: requestsOfDay,
    retryAfterMs: null,
    refusedUntilMs: nowMs + Math.min(untilMidnightMs(nowMs), SPENT_BELIEVED_MS),
  }
}

function concurrencyRefusal({ limits, concurrent }: AdmissionState, nowMs: number): Refusal | null {
  const limit = limits.concurrentRequests
  if (limit === undefined || concurrent < limit) return null
  return {
    reason: 'concurrent_requests',
    limit,
    used: concurrent,
    retryAfterMs: BUSY_RETRY_MS,
    refusedUntilMs: nowMs + BUSY_BELIEVED_MS,
  }
}

/** A budget in whole micro-dollars. */
export function limitMicroUsdOf({ usd }: Budget): number {
  return Math.round(usd * 1_000_000)
}

function budgetOf(state: AdmissionState, nowMs: number): BudgetStatus | null {
  const { budget } = state.limits
  if (budget === undefined) return null
  const { bookedMicroUsd, underWayMicroUsd } = state
  const limitMicroUsd = limitMicroUsdOf(budget)
  return {
    limitMicroUsd,
    period: budget.period,
    bookedMicroUsd,
    underWayMicroUsd,
    leftMicroUsd: Math.max(0, limitMicroUsd - bookedMicroUsd),
    renewsAtMs: periodEndMs(budget.period, nowMs),
  }
}

function windowStatus(window: RollingWindow, limit: number, nowMs: number): LimitStatus {
  return limitStatus(limit, window.admitted, window.resetMs(nowMs))
}

function limitStatus(limit: number, used: number, resetMs: number): LimitStatus {
  return { limit, used, remaining: Math.max(0, limit - used), resetMs }
}

function untilMidnightMs(nowMs: number): number {
  return DAY_MS - (nowMs % DAY_MS)
}

function waitOf({ retryAfterMs }: Refusal): number {
  return retryAfterMs ?? Infinity
}
