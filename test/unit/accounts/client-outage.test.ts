import { describe, expect, it } from 'vitest'
import { ADMIT_TIMEOUT_MS } from '../../../src/accounts/client.ts'
import {
  OUTAGE_CALL_SPACING_MS,
  OUTAGE_MONEY_MS,
  OUTAGE_RETRY_AFTER_MS,
} from '../../../src/accounts/outage.ts'
import { RELEASED } from '../../../src/accounts/request-end.ts'
import { settleMicrotasks } from '../../support/virtual-clock.ts'
import { admit, admitted, BUDGET, budgetOf, outcomes, refused, requestOf, standing } from './client-asking.ts'
import { ClientRig, DOWN, entryOf, HANGING, KEY, REPLY_LOST, WELL } from './client-rig.ts'

describe('while an account does not answer', () => {
  it('the trouble is logged once, and again only after a reply', async () => {
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
    const { requestId, model } = request
    expect(sent).toEqual([
      { requestId, model, admittedAtMs: rig.clock.nowMs, admittedBy: 'account', ...RELEASED },
    ])
  })

  it('an earlier refusal still holds', async () => {
    const rig = new ClientRig()
    rig.account().answer = refused({ refusedUntilMs: rig.clock.nowMs + 8_000 })
    await admit(rig)
    rig.account().fate = DOWN
    expect(await outcomes(rig, {}, 1)).toEqual(['refused by isolate'])
    expect(rig.account().admissions).toHaveLength(1)
  })
})
