import { describe, expect, it } from 'vitest'
import { REFUSAL_BELIEVED_MAX_MS } from '../../../src/accounts/account-view.ts'
import {
  ADMIT_TIMEOUT_MS,
  RENEW_EVERY_MS,
  RENEW_TIMEOUT_MS,
  VIEWS_MAX,
} from '../../../src/accounts/client.ts'
import type { AccountRequest, RefusalReason } from '../../../src/accounts/protocol.ts'
import { admit, admitted, BUDGET, budgetOf, outcomes, refused, requestOf } from './client-asking.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { ADMITTED, ClientRig, DOWN, FakeAccount, HANGING, KEY, WELL } from './client-rig.ts'

describe('an admission', () => {
  it('is the account’s decision', async () => {
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
    rig.account().answer = { revoked: true, reading: { kind: 'deleted', version: 2 } }
    expect(await admit(rig)).toEqual({ outcome: 'revoked', reading: { kind: 'deleted', version: 2 } })
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

  it('is asked for again, once, where a deployment has reset the account', async () => {
    const [rig, account] = [new ClientRig(), new FakeAccount(new VirtualClock())]
    let resets = 1
    const reset = new ClientRig({
      accountOf: () => ({
        settle: (batch) => account.settle(batch),
        renew: (ids) => account.renew(ids),
        admit: async () => {
          if (resets === 0) return ADMITTED
          resets -= 1
          throw Object.assign(new Error('Durable Object reset'), { retryable: true })
        },
      }),
    })
    expect(await admit(reset)).toMatchObject({ outcome: 'admitted', by: 'account' })
    rig.account().fate = DOWN
    expect(await admit(rig)).toMatchObject({ outcome: 'admitted', by: 'isolate' })
    expect(rig.account().admissions).toHaveLength(1)
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
  it('holds until then without a call, and reports the time left', async () => {
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

  it('holds for a minute at most', async () => {
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

  it('does not apply to a smaller request', async () => {
    const smaller: [RefusalReason, Partial<AccountRequest>][] = [
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

  it('applies to its own key only', async () => {
    const rig = new ClientRig()
    rig.account().answer = refused({ refusedUntilMs: rig.clock.nowMs + 8_000 })
    await admit(rig)
    expect(await admit(rig, {}, requestOf(), 'otherotherot')).toMatchObject({ outcome: 'admitted' })
  })
})

describe('an isolate’s memory of accounts', () => {
  it('is bounded, and an evicted account admits no money in an outage', async () => {
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

  it('is renewed again after a renewal that failed or hung, and the trouble is logged once', async () => {
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
