/** Requests for admission, and what an account says of them. */
import type { AccountDecision } from '../../../src/accounts/account-view.ts'
import type { LocalLimits } from '../../../src/accounts/outage.ts'
import type {
  AccountAnswer,
  AccountRequest,
  AccountStatus,
  BudgetStatus,
  Refusal,
} from '../../../src/accounts/protocol.ts'
import type { LimitStatus } from '../../../src/limits/fleet-share.ts'
import { settleMicrotasks } from '../../support/virtual-clock.ts'
import { type ClientRig, KEY } from './client-rig.ts'

export const BUDGET: LocalLimits = { budget: { usd: 1, period: 'day' } }

let requests = 0

export function requestOf(fields: Partial<AccountRequest> = {}): AccountRequest {
  const expected = {
    promptTokens: 7,
    cachedTokens: 0,
    completionTokens: 2,
    reasoningTokens: 0,
    costMicroUsd: 10,
  }
  requests += 1
  return {
    requestId: `req_${requests}`,
    model: 'o3-mini',
    worstMicroUsd: 100,
    expected,
    tokens: 50,
    secretSha256: 'hash',
    defaultLimits: {},
    ...fields,
  }
}

export async function admit(
  rig: ClientRig,
  limits: LocalLimits | null = {},
  request = requestOf(),
  keyId = KEY,
): Promise<AccountDecision> {
  const decision = rig.client.admit(keyId, request, limits, rig.clock.nowMs, rig.waitUntil)
  await settleMicrotasks()
  await settleMicrotasks()
  return decision
}

/** One word for each decision. */
export async function outcomes(rig: ClientRig, limits: LocalLimits, times: number): Promise<string[]> {
  const words: string[] = []
  for (let time = 0; time < times; time++) {
    const decision = await admit(rig, limits)
    words.push('by' in decision ? `${decision.outcome} by ${decision.by}` : decision.outcome)
  }
  return words
}

export function budgetOf(leftMicroUsd: number): BudgetStatus {
  return {
    limitMicroUsd: 1e6,
    period: 'total',
    bookedMicroUsd: 1e6 - leftMicroUsd,
    underWayMicroUsd: 0,
    leftMicroUsd,
    renewsAtMs: null,
  }
}

export function admitted(status: AccountStatus): AccountAnswer {
  return { admitted: true, status, leaseUntilMs: 0 }
}

export function refused(refusal: Partial<Refusal>): AccountAnswer {
  const whole = {
    reason: 'requests',
    limit: 3,
    used: 3,
    retryAfterMs: 8_000,
    refusedUntilMs: 0,
    ...refusal,
  } as const
  return { admitted: false, refusal: whole, status: {}, limits: { requestsPerMinute: 3 } }
}

export const standing = (limit: number, used: number): LimitStatus => ({
  limit,
  used,
  remaining: limit - used,
  resetMs: 1,
})
