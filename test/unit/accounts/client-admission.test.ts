import { describe, expect, it } from 'vitest'
import {
  type AccountAnswer,
  type AccountDecision,
  REFUSAL_BELIEVED_MAX_MS,
} from '../../../src/accounts/account-view.ts'
import {
  ADMIT_TIMEOUT_MS,
  RENEW_EVERY_MS,
  RENEW_TIMEOUT_MS,
  VIEWS_MAX,
} from '../../../src/accounts/client.ts'
import {
  type LocalLimits,
  OUTAGE_CALL_SPACING_MS,
  OUTAGE_MONEY_MS,
  OUTAGE_RETRY_AFTER_MS,
} from '../../../src/accounts/outage.ts'
import type {
  AccountStatus,
  AdmissionRequest,
  BudgetStatus,
  Refusal,
  RefusalReason,
} from '../../../src/accounts/protocol.ts'
import { settleMicrotasks } from '../../support/virtual-clock.ts'
import { ADMITTED, ClientRig, DOWN, entryOf, HANGING, KEY, REPLY_LOST, WELL } from './client-rig.ts'

const BUDGET: LocalLimits = { budget: { usd: 1, period: 'day' } }

let requests = 0

function requestOf(fields: Partial<AdmissionRequest> = {}): AdmissionRequest {
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
    ...fields,
  }
}

async function admit(
  rig: ClientRig,
  limits: LocalLimits = {},
  request = requestOf(),
  keyId = KEY,
): Promise<AccountDecision> {
  const decision = rig.client.admit(keyId, request, limits, rig.clock.nowMs, rig.waitUntil)
  await settleMicrotasks()
  await settleMicrotasks()
  return decision
}

/** One word for each decision. */
async function outcomes(rig: ClientRig, limits: LocalLimits, times: number): Promise<string[]> {
  const words: string[] = []
  for (let time = 0; time < times; time++) {
    const decision = await admit(rig, limits)
    words.push('by' in decision ? `${decision.outcome} by ${decision.by}` : decision.outcome)
  }
  return words
}

function budgetOf(leftMicroUsd: number): BudgetStatus {
  return {
    limitMicroUsd: 1e6,
    bookedMicroUsd: 1e6 - leftMicroUsd,
    underWayMicroUsd: 0,
    leftMicroUsd,
    renewsAtMs: null,
  }
}

function admitted(status: AccountStatus): AccountAnswer {
  return { admitted: true, status, leaseUntilMs: 0 }
}

function refused(refusal: Partial<Refusal>): AccountAnswer {
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

const standing = (limit: number, used: number) => ({ limit, used, remaining: limit - used, resetMs: 1 })

describe('an admission', () => {
  it('is what the account says', async () => {
    const rig = new ClientRig()
    const status = { budget: budgetOf(5) }
    rig.account().answer = admitted(status)
    expect(await admit(rig)).toEqual({ outcome: 'admitted', by: 'account', status })
    rig.account().answer = refused({})
    expect(await admit(rig)).toMatchObject({
      outcome: 'refused',
      by: 'account',
      refusal: { reason: 'requests', retryAfterMs: 8_000 },
      limits: { requestsPerMinute: 3 },
    })
    rig.account().answer = { revoked: true }
    expect(await admit(rig)).toEqual({ outcome: 'revoked' })
    expect(rig.account().admissions).toHaveLength(3)
    expect(rig.troubles).toEqual([])
  })

  it('takes at most a second, whether the account hangs or answers late', async () => {
    for (const fate of [HANGING, { ...WELL, delayMs: ADMIT_TIMEOUT_MS + 1 }]) {
      const rig = new ClientRig()
      rig.account().fate = fate
      const decision = admit(rig)
      await rig.clock.advance(ADMIT_TIMEOUT_MS)
      expect(await decision).toMatchObject({ outcome: 'admitted', by: 'isolate' })
    }
  })

  it('is decided by the isolate where the account throws at once', async () => {
    const rig = new ClientRig({
      accountOf() {
        throw new Error('no such binding')
      },
    })
    expect(await admit(rig)).toMatchObject({ outcome: 'admitted', by: 'isolate' })
  })
})

describe('a refusal until a time', () => {
  it('is believed until then without a call, and tells how long is left', async () => {
    const rig = new ClientRig()
    rig.account().answer = refused({ refusedUntilMs: rig.clock.nowMs + 8_000 })
    await admit(rig)
    rig.account().answer = ADMITTED
    await rig.clock.advance(7_999)
    expect(await admit(rig)).toMatchObject({
      outcome: 'refused',
      by: 'isolate',
      refusal: { retryAfterMs: 1 },
      limits: { requestsPerMinute: 3 },
    })
    expect(rig.account().admissions).toHaveLength(1)
    await rig.clock.advance(1)
    expect(await admit(rig)).toMatchObject({ outcome: 'admitted' })
    expect(rig.account().admissions).toHaveLength(2)
  })

  it('is believed for a minute at most', async () => {
    const rig = new ClientRig()
    rig.account().answer = refused({ retryAfterMs: null, refusedUntilMs: rig.clock.nowMs + 1e9 })
    await admit(rig)
    await rig.clock.advance(REFUSAL_BELIEVED_MAX_MS - 1)
    expect(await admit(rig)).toMatchObject({ by: 'isolate', refusal: { retryAfterMs: null } })
    await rig.clock.advance(1)
    expect(await admit(rig)).toMatchObject({ by: 'account' })
  })

  it('is void where the key’s limits have changed, or the clock has stepped back', async () => {
    const rig = new ClientRig()
    rig.account().answer = refused({ refusedUntilMs: rig.clock.nowMs + 8_000 })
    await admit(rig, { requestsPerDay: 3 })
    expect(await admit(rig, { requestsPerDay: 3 })).toMatchObject({ by: 'isolate' })
    expect(await admit(rig, { requestsPerDay: 4 })).toMatchObject({ by: 'account' })
    rig.clock.nowMs -= 1
    expect(await admit(rig, { requestsPerDay: 4 })).toMatchObject({ by: 'account' })
  })

  it('does not speak of a request that is smaller in what was refused', async () => {
    const smaller: [RefusalReason, Partial<AdmissionRequest>][] = [
      ['tokens', { tokens: 49 }],
      ['tokens_too_large', { tokens: 49 }],
      ['budget_under_way', { worstMicroUsd: 99 }],
    ]
    for (const [reason, fields] of smaller) {
      const rig = new ClientRig()
      rig.account().answer = refused({ reason, refusedUntilMs: rig.clock.nowMs + 8_000 })
      await admit(rig)
      expect(await admit(rig)).toMatchObject({ by: 'isolate' })
      expect(await admit(rig, {}, requestOf(fields))).toMatchObject({ by: 'account' })
    }
    for (const reason of ['requests', 'requests_per_day', 'concurrent_requests', 'budget_spent'] as const) {
      const rig = new ClientRig()
      rig.account().answer = refused({ reason, refusedUntilMs: rig.clock.nowMs + 8_000 })
      await admit(rig)
      expect(await admit(rig, {}, requestOf({ tokens: 1, worstMicroUsd: 1 }))).toMatchObject({
        by: 'isolate',
      })
    }
  })

  it('still holds after the account has decided on a smaller request', async () => {
    const rig = new ClientRig()
    rig.account().answer = refused({ reason: 'tokens', refusedUntilMs: rig.clock.nowMs + 8_000 })
    await admit(rig)
    for (const answer of [ADMITTED, refused({ reason: 'tokens' })]) {
      rig.account().answer = answer
      expect(await admit(rig, {}, requestOf({ tokens: 49 }))).toMatchObject({ by: 'account' })
      expect(await admit(rig)).toMatchObject({ outcome: 'refused', by: 'isolate' })
    }
  })

  it('is a matter of one key', async () => {
    const rig = new ClientRig()
    rig.account().answer = refused({ refusedUntilMs: rig.clock.nowMs + 8_000 })
    await admit(rig)
    expect(await admit(rig, {}, requestOf(), 'otherotherot')).toMatchObject({ outcome: 'admitted' })
  })
})

describe('while an account does not answer', () => {
  it('the trouble is told once, and again only after a reply', async () => {
    const rig = new ClientRig()
    for (let spell = 1; spell <= 2; spell++) {
      rig.account().fate = DOWN
      for (let count = 0; count < 3; count++) {
        await admit(rig)
        await rig.clock.advance(OUTAGE_CALL_SPACING_MS)
      }
      expect(rig.troubles).toEqual(Array.from({ length: spell }, () => `admit ${KEY}`))
      rig.account().fate = WELL
      expect(await admit(rig)).toMatchObject({ by: 'account' })
    }
  })

  it('one request a second calls it, and the others are decided at once', async () => {
    const rig = new ClientRig()
    rig.account().fate = HANGING
    const first = admit(rig)
    await rig.clock.advance(ADMIT_TIMEOUT_MS)
    await first
    for (let count = 0; count < 20; count++) expect(await admit(rig)).toMatchObject({ by: 'isolate' })
    expect(rig.account().admissions).toHaveLength(1)
    await rig.clock.advance(OUTAGE_CALL_SPACING_MS)
    const second = admit(rig)
    expect(await admit(rig)).toMatchObject({ by: 'isolate' })
    await rig.clock.advance(ADMIT_TIMEOUT_MS)
    expect(await second).toMatchObject({ by: 'isolate' })
    expect(rig.account().admissions).toHaveLength(2)
  })

  it('a limit of the day is counted on from its last reply, and anew after midnight', async () => {
    const rig = new ClientRig()
    const limits = { requestsPerDay: 10 }
    rig.account().answer = admitted({ requestsPerDay: standing(10, 8) })
    await admit(rig, limits)
    rig.account().fate = DOWN
    expect(await admit(rig, limits)).toMatchObject({
      by: 'isolate',
      status: { requestsPerDay: { limit: 10, used: 9, remaining: 1, resetMs: 12 * 3_600_000 } },
    })
    expect(await outcomes(rig, limits, 2)).toEqual(['admitted by isolate', 'refused by isolate'])
    expect(await admit(rig, limits)).toMatchObject({
      refusal: { reason: 'requests_per_day', limit: 10, used: 10, retryAfterMs: null, refusedUntilMs: 0 },
    })
    await rig.clock.advance(12 * 3_600_000)
    expect(await outcomes(rig, limits, 11)).toEqual([
      ...Array.from({ length: 10 }, () => 'admitted by isolate'),
      'refused by isolate',
    ])
  })

  it('a limit of the day is counted from nothing where it never replied, or on another day', async () => {
    const rig = new ClientRig()
    const limits = { requestsPerDay: 2 }
    const counted = ['admitted by isolate', 'admitted by isolate', 'refused by isolate']
    rig.account().fate = DOWN
    expect(await outcomes(rig, limits, 3)).toEqual(counted)
    rig.account().fate = WELL
    rig.account().answer = admitted({ requestsPerDay: standing(2, 2) })
    await rig.clock.advance(OUTAGE_CALL_SPACING_MS)
    expect(await admit(rig, limits)).toMatchObject({ by: 'account' })
    await rig.clock.advance(86_400_000)
    rig.account().fate = DOWN
    expect(await outcomes(rig, limits, 3)).toEqual(counted)
  })

  it('places are counted on from its last reply, and come back with the ends of requests', async () => {
    const rig = new ClientRig()
    const limits = { concurrentRequests: 4 }
    const end = (): void =>
      rig.client.book(KEY, entryOf('req', rig.clock.nowMs), rig.clock.nowMs, rig.waitUntil, { atOnce: true })
    rig.account().answer = admitted({ concurrentRequests: standing(4, 4) })
    await admit(rig, limits)
    end()
    rig.account().fate = DOWN
    expect(await outcomes(rig, limits, 2)).toEqual(['admitted by isolate', 'refused by isolate'])
    expect(await admit(rig, limits)).toMatchObject({
      refusal: { reason: 'concurrent_requests', limit: 4, used: 4, retryAfterMs: 1_000, refusedUntilMs: 0 },
    })
    end()
    end()
    expect(await outcomes(rig, limits, 3)).toEqual([
      'admitted by isolate',
      'admitted by isolate',
      'refused by isolate',
    ])
    for (let count = 0; count < 10; count++) end()
    expect(await outcomes(rig, limits, 5)).toEqual([
      ...Array.from({ length: 4 }, () => 'admitted by isolate'),
      'refused by isolate',
    ])
  })

  it('only the ends since its last reply give places back', async () => {
    const rig = new ClientRig()
    const limits = { concurrentRequests: 4 }
    rig.account().answer = admitted({ concurrentRequests: standing(4, 4) })
    await admit(rig, limits)
    const { nowMs } = rig.clock
    rig.client.book(KEY, entryOf('req', nowMs), nowMs, rig.waitUntil, { atOnce: true })
    await admit(rig, limits)
    rig.client.book(KEY, entryOf('unadmitted', nowMs), nowMs, rig.waitUntil, { atOnce: false })
    rig.account().fate = DOWN
    expect(await outcomes(rig, limits, 1)).toEqual(['refused by isolate'])
  })

  it('a clock that steps back passes no money, and the account is called again', async () => {
    const rig = new ClientRig()
    rig.account().answer = admitted({ budget: budgetOf(1_000_000) })
    await admit(rig, BUDGET)
    rig.account().fate = DOWN
    await admit(rig, BUDGET)
    rig.clock.nowMs -= 3_600_000
    expect(await outcomes(rig, BUDGET, 2)).toEqual(['unavailable', 'unavailable'])
    rig.account().fate = WELL
    await rig.clock.advance(OUTAGE_CALL_SPACING_MS)
    expect(await outcomes(rig, BUDGET, 1)).toEqual(['admitted by account'])
  })

  it('money passes within a tenth of what was left: the worst cases are added up', async () => {
    const rig = new ClientRig()
    rig.account().answer = admitted({ budget: budgetOf(3_050) })
    await admit(rig, BUDGET)
    rig.account().fate = DOWN
    expect(await outcomes(rig, BUDGET, 3)).toEqual(Array.from({ length: 3 }, () => 'admitted by isolate'))
    expect(await admit(rig, BUDGET)).toEqual({ outcome: 'unavailable', retryAfterMs: OUTAGE_RETRY_AFTER_MS })
    // What is smaller still fits.
    expect(await admit(rig, BUDGET, requestOf({ worstMicroUsd: 6 }))).toMatchObject({
      outcome: 'unavailable',
    })
    expect(await admit(rig, BUDGET, requestOf({ worstMicroUsd: 5 }))).toMatchObject({ outcome: 'admitted' })
  })

  it('money passes for five minutes only, counted from the first failure', async () => {
    const rig = new ClientRig()
    rig.account().answer = admitted({ budget: budgetOf(1_000_000) })
    await admit(rig, BUDGET)
    rig.account().fate = DOWN
    expect(await outcomes(rig, BUDGET, 1)).toEqual(['admitted by isolate'])
    await rig.clock.advance(OUTAGE_MONEY_MS - 1)
    expect(await outcomes(rig, BUDGET, 1)).toEqual(['admitted by isolate'])
    await rig.clock.advance(1)
    expect(await outcomes(rig, BUDGET, 1)).toEqual(['unavailable'])
    // A key without a budget goes on.
    expect(await outcomes(rig, {}, 1)).toEqual(['admitted by isolate'])
  })

  it('money does not pass where it was never known, nor where nothing was left', async () => {
    const rig = new ClientRig()
    rig.account().fate = DOWN
    expect(await outcomes(rig, BUDGET, 2)).toEqual(['unavailable', 'unavailable'])
    rig.account().fate = WELL
    rig.account().answer = admitted({ budget: budgetOf(0) })
    await rig.clock.advance(OUTAGE_CALL_SPACING_MS)
    await admit(rig, BUDGET)
    rig.account().fate = DOWN
    expect(await outcomes(rig, BUDGET, 1)).toEqual(['unavailable'])
  })

  it('the next reply ends it, and a later outage begins with what that reply left', async () => {
    const rig = new ClientRig()
    rig.account().answer = admitted({ budget: budgetOf(1_000) })
    await admit(rig, BUDGET)
    rig.account().fate = DOWN
    expect(await outcomes(rig, BUDGET, 2)).toEqual(['admitted by isolate', 'unavailable'])
    rig.account().fate = WELL
    rig.account().answer = refused({ reason: 'requests' })
    if ('status' in rig.account().answer)
      Object.assign(rig.account().answer, { status: { budget: budgetOf(2_000) } })
    await rig.clock.advance(OUTAGE_CALL_SPACING_MS)
    expect(await outcomes(rig, BUDGET, 1)).toEqual(['refused by account'])
    rig.account().fate = DOWN
    expect(await outcomes(rig, BUDGET, 3)).toEqual([
      'admitted by isolate',
      'admitted by isolate',
      'unavailable',
    ])
  })

  it('64 requests at once pass no more money than one after the other', async () => {
    const rig = new ClientRig()
    rig.account().answer = admitted({ budget: budgetOf(10_000) })
    await admit(rig, BUDGET)
    rig.account().fate = HANGING
    const all = Array.from({ length: 64 }, () => admit(rig, BUDGET))
    await rig.clock.advance(ADMIT_TIMEOUT_MS)
    const passed = (await Promise.all(all)).filter(({ outcome }) => outcome === 'admitted')
    expect(passed).toHaveLength(10)
    expect(rig.troubles).toContain(`admit ${KEY}`)
  })

  it('a refused request whose call was made is released, since its reply may be lost', async () => {
    const rig = new ClientRig()
    rig.account().fate = REPLY_LOST
    const request = requestOf()
    expect(await admit(rig, BUDGET, request)).toMatchObject({ outcome: 'unavailable' })
    // This one made no call.
    expect(await admit(rig, BUDGET)).toMatchObject({ outcome: 'unavailable' })
    await settleMicrotasks()
    const sent = rig.account().calls.flatMap(({ batch }) => batch.entries)
    expect(sent).toEqual([
      {
        requestId: request.requestId,
        model: 'o3-mini',
        admittedAtMs: rig.clock.nowMs,
        failed: false,
        booked: {
          promptTokens: 0,
          cachedTokens: 0,
          completionTokens: 0,
          reasoningTokens: 0,
          costMicroUsd: 0,
        },
        certainty: 'exact',
        released: true,
      },
    ])
  })

  it('a refusal that was believed before still is', async () => {
    const rig = new ClientRig()
    rig.account().answer = refused({ refusedUntilMs: rig.clock.nowMs + 8_000 })
    await admit(rig)
    rig.account().fate = DOWN
    expect(await outcomes(rig, {}, 1)).toEqual(['refused by isolate'])
    expect(rig.account().admissions).toHaveLength(1)
  })
})

describe('what an isolate remembers of accounts', () => {
  it('is the last reply of so many, and what is forgotten passes no money', async () => {
    const rig = new ClientRig()
    rig.account().answer = admitted({ budget: budgetOf(1_000_000) })
    await admit(rig, BUDGET)
    for (let at = 0; at < VIEWS_MAX; at++) {
      void rig.client.admit(`key${at}`, requestOf(), {}, rig.clock.nowMs, rig.waitUntil)
    }
    rig.account().fate = DOWN
    expect(await outcomes(rig, BUDGET, 1)).toEqual(['unavailable'])
  })
})

describe('a lease', () => {
  it('is renewed every five minutes until its request has ended', async () => {
    const rig = new ClientRig()
    const end = rig.client.keepLease(KEY, 'req_1')
    const startMs = rig.clock.nowMs
    await rig.clock.advance(2 * RENEW_EVERY_MS)
    const renewals = [1, 2].map((time) => ({ atMs: startMs + time * RENEW_EVERY_MS, ids: ['req_1'] }))
    expect(rig.account().renewals).toEqual(renewals)
    end()
    end()
    await rig.clock.advance(2 * RENEW_EVERY_MS)
    expect(rig.account().renewals).toEqual(renewals)
    expect(rig.timers).toBe(0)
  })

  it('is renewed again after a renewal that failed or hung, and the trouble is told once', async () => {
    for (const fate of [DOWN, HANGING]) {
      const rig = new ClientRig()
      rig.account().fate = fate
      const end = rig.client.keepLease(KEY, 'req_1')
      await rig.clock.advance(RENEW_EVERY_MS)
      expect(rig.troubles).toEqual(fate === DOWN ? [`renew ${KEY}`] : [])
      await rig.clock.advance(RENEW_TIMEOUT_MS)
      expect(rig.troubles).toEqual([`renew ${KEY}`])
      await rig.clock.advance(2 * RENEW_EVERY_MS)
      expect(rig.account().renewals).toHaveLength(3)
      expect(rig.troubles).toEqual([`renew ${KEY}`])
      end()
    }
  })
})
