import { describe, expect, it } from 'vitest'
import { type AdmissionState, refusalOf, statusOf } from '../../../src/accounts/admission.ts'
import { RollingWindow } from '../../../src/limits/rolling-window.ts'

const NOW_MS = Date.UTC(2026, 10, 26, 12)
const MIDNIGHT_MS = Date.UTC(2026, 10, 27)
const REQUEST = {
  requestId: 'a',
  model: 'o3-mini',
  worstMicroUsd: 300,
  expected: { promptTokens: 1, cachedTokens: 0, completionTokens: 1, reasoningTokens: 0, costMicroUsd: 1 },
  tokens: 50,
}
const BUDGET = { usd: 0.001, period: 'day' as const }

function windowOf(amount: number, atMs = NOW_MS, nowMs = NOW_MS): RollingWindow {
  const window = new RollingWindow()
  window.roll(atMs)
  if (amount > 0) window.admit(amount)
  window.roll(nowMs)
  return window
}

function stateOf(state: Partial<AdmissionState>): AdmissionState {
  return {
    limits: {},
    bookedMicroUsd: 0,
    underWayMicroUsd: 0,
    concurrent: 0,
    requestsOfDay: 0,
    requests: windowOf(0),
    tokens: windowOf(0),
    ...state,
  }
}

const refusal = (state: Partial<AdmissionState>, nowMs = NOW_MS) => refusalOf(stateOf(state), REQUEST, nowMs)

describe('admission by an account', () => {
  it('admits a key without limits', () => expect(refusal({})).toBeNull())

  it('admits up to the budget with the worst cases under way', () => {
    expect(refusal({ limits: { budget: BUDGET }, bookedMicroUsd: 400, underWayMicroUsd: 300 })).toBeNull()
    expect(refusal({ limits: { budget: BUDGET }, bookedMicroUsd: 401, underWayMicroUsd: 300 })).toEqual({
      reason: 'budget_under_way',
      limit: 1_000,
      used: 701,
      retryAfterMs: 1_000,
      refusedUntilMs: NOW_MS + 100,
      fitting: 1,
    })
    expect(refusal({ limits: { budget: BUDGET }, bookedMicroUsd: 50, underWayMicroUsd: 700 })).toMatchObject({
      fitting: 3,
    })
  })

  it('admits a single request as long as anything is left', () => {
    expect(refusal({ limits: { budget: BUDGET }, bookedMicroUsd: 999 })).toBeNull()
    expect(refusal({ limits: { budget: BUDGET }, bookedMicroUsd: 1_000 })).toEqual({
      reason: 'budget_spent',
      limit: 1_000,
      used: 1_000,
      retryAfterMs: null,
      refusedUntilMs: NOW_MS + 30_000,
    })
  })

  it('says that a spent budget holds no longer than its period', () => {
    const late = { limits: { budget: BUDGET }, bookedMicroUsd: 1_000 }
    expect(refusal(late, MIDNIGHT_MS - 5_000)?.refusedUntilMs).toBe(MIDNIGHT_MS)
    const total = { ...late, limits: { budget: { ...BUDGET, period: 'total' as const } } }
    expect(refusal(total, MIDNIGHT_MS - 5_000)?.refusedUntilMs).toBe(MIDNIGHT_MS + 25_000)
  })

  it('refuses the next request of a full day, and believes it for 30 s', () => {
    expect(refusal({ limits: { requestsPerDay: 3 }, requestsOfDay: 2 })).toBeNull()
    expect(refusal({ limits: { requestsPerDay: 3 }, requestsOfDay: 3 })).toMatchObject({
      reason: 'requests_per_day',
      retryAfterMs: null,
      refusedUntilMs: NOW_MS + 30_000,
    })
  })

  it('refuses more requests at once than the limit', () => {
    expect(refusal({ limits: { concurrentRequests: 2 }, concurrent: 1 })).toBeNull()
    expect(refusal({ limits: { concurrentRequests: 2 }, concurrent: 2 })).toMatchObject({
      reason: 'concurrent_requests',
      used: 2,
      refusedUntilMs: NOW_MS + 100,
    })
  })

  it('refuses the next request of a full minute until the exact time, in every mode', () => {
    const requests = windowOf(5, NOW_MS - 20_000)
    expect(refusal({ limits: { requestsPerMinute: 6, mode: 'lenient' }, requests })).toBeNull()
    expect(refusal({ limits: { requestsPerMinute: 5, mode: 'lenient' }, requests })).toMatchObject({
      reason: 'requests',
      retryAfterMs: 40_000,
      refusedUntilMs: NOW_MS + 40_000,
    })
  })

  it('refuses tokens above the minute, and those that can never fit', () => {
    const tokens = windowOf(51, NOW_MS - 20_000)
    expect(refusal({ limits: { tokensPerMinute: 101 }, tokens })).toBeNull()
    expect(refusal({ limits: { tokensPerMinute: 100 }, tokens })).toMatchObject({
      reason: 'tokens',
      retryAfterMs: 40_000,
      refusedUntilMs: 0,
    })
    expect(refusal({ limits: { tokensPerMinute: 49 } })).toMatchObject({
      reason: 'tokens_too_large',
      used: 50,
      retryAfterMs: null,
      refusedUntilMs: 0,
    })
  })

  it('names a spent budget first, else the longest wait', () => {
    const full = { concurrent: 1, requestsOfDay: 9, requests: windowOf(9) }
    const limits = { concurrentRequests: 1, requestsPerMinute: 1, tokensPerMinute: 1 }
    const spent = { limits: { ...limits, budget: BUDGET }, bookedMicroUsd: 1_000 }
    expect(refusal({ ...full, ...spent })?.reason).toBe('budget_spent')
    expect(refusal({ ...full, limits })?.reason).toBe('tokens_too_large')
    expect(refusal({ ...full, limits: { concurrentRequests: 1, requestsPerMinute: 1 } })?.reason).toBe(
      'requests',
    )
  })

  it('shows the status of each limit that is set', () => {
    expect(statusOf(stateOf({}), NOW_MS)).toEqual({})
    const limits = { concurrentRequests: 2, requestsPerDay: 10, budget: BUDGET, tokensPerMinute: 100 }
    const state = stateOf({
      limits,
      concurrent: 1,
      requestsOfDay: 4,
      bookedMicroUsd: 1_200,
      tokens: windowOf(30),
    })
    expect(statusOf(state, NOW_MS)).toEqual({
      concurrentRequests: { limit: 2, used: 1, remaining: 1, resetMs: 0 },
      requestsPerDay: { limit: 10, used: 4, remaining: 6, resetMs: MIDNIGHT_MS - NOW_MS },
      tokens: { limit: 100, used: 30, remaining: 70, resetMs: 60_000 },
      budget: {
        limitMicroUsd: 1_000,
        period: 'day',
        bookedMicroUsd: 1_200,
        underWayMicroUsd: 0,
        leftMicroUsd: 0,
        renewsAtMs: MIDNIGHT_MS,
      },
    })
  })
})
