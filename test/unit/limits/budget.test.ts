import { describe, expect, it } from 'vitest'
import type { Spending } from '../../../src/limits/budget.ts'
import {
  ACCOUNTS_MAX,
  createBudgets,
  LOOK_FAR_MS,
  LOOK_NEAR_MS,
  LOOK_TIMEOUT_MS,
} from '../../../src/limits/budget.ts'
import type { Budget } from '../../../src/limits/limits.ts'
import { NOTHING } from '../../../src/records/usage-totals.ts'
import { KEY, LedgerFleet } from '../../support/ledger-fleet.ts'
import type { LedgerIsolate } from '../../support/ledger-fleet.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

/** 100 micro-dollars. */
const DAY: Budget = { usd: 0.0001, period: 'day' }

function ask(
  fleet: LedgerFleet,
  { budgets }: LedgerIsolate,
  { estimate = 10, budget = DAY, keyId = KEY } = {},
): Spending | Promise<Spending> {
  return budgets.check(keyId, budget, estimate, fleet.clock.nowMs, (work) => fleet.background.push(work))
}

/** Sends one request that costs `microUsd` micro-dollars. */
async function spend(
  fleet: LedgerFleet,
  isolate: LedgerIsolate,
  microUsd: number,
  budget = DAY,
): Promise<void> {
  const spending = await ask(fleet, isolate, { budget })
  if (spending.isSpent) throw new Error('spent')
  spending.settle(microUsd)
  isolate.add(KEY, { requests: 1, costMicroUsd: microUsd })
}

describe('a budget', () => {
  it('admits while it is not spent, to the micro-dollar', async () => {
    const fleet = new LedgerFleet()
    const isolate = fleet.isolate('fra')
    await spend(fleet, isolate, 99)
    await spend(fleet, isolate, 1)
    expect((await ask(fleet, isolate)).isSpent).toBe(true)
  })

  it('admits the first request, even if its estimate exceeds the budget', async () => {
    const fleet = new LedgerFleet()
    expect((await ask(fleet, fleet.isolate('fra'), { estimate: 1_000 })).isSpent).toBe(false)
  })

  it('reserves the estimates of pending requests, and releases the unused part', async () => {
    const fleet = new LedgerFleet()
    const isolate = fleet.isolate('fra')
    const all = await Promise.all(Array.from({ length: 50 }, async () => ask(fleet, isolate)))
    const admitted = all.filter(({ isSpent }) => !isSpent)
    expect(admitted).toHaveLength(10)
    for (const spending of admitted) if (!spending.isSpent) spending.settle(1)
    expect((await ask(fleet, isolate)).isSpent).toBe(false)
  })

  it.each([
    ['day', '2026-01-31T23:00:00Z', '2026-02-01T00:00:00.000Z'],
    ['month', '2026-01-31T23:00:00Z', '2026-02-01T00:00:00.000Z'],
    ['month', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00.000Z'],
  ] as const)('of a %s checked at %s renews at %s', async (period, now, renewsAt) => {
    const fleet = new LedgerFleet({ clock: new VirtualClock(Date.parse(now)) })
    const isolate = fleet.isolate('fra')
    const budget = { ...DAY, period }
    await spend(fleet, isolate, 100, budget)
    const renewsAtMs = Date.parse(renewsAt)
    expect(await ask(fleet, isolate, { budget })).toEqual({ isSpent: true, budget, renewsAtMs })
    await fleet.clock.advanceTo(renewsAtMs - 1)
    expect((await ask(fleet, isolate, { budget })).isSpent).toBe(true)
    await fleet.clock.advanceTo(renewsAtMs)
    expect((await ask(fleet, isolate, { budget })).isSpent).toBe(false)
  })

  it('in total never renews', async () => {
    const fleet = new LedgerFleet()
    const isolate = fleet.isolate('fra')
    const budget = { ...DAY, period: 'total' } as const
    await spend(fleet, isolate, 100, budget)
    await fleet.clock.advance(60 * 86_400_000)
    expect(await ask(fleet, isolate, { budget })).toEqual({ isSpent: true, budget, renewsAtMs: null })
  })

  it('applies a raised amount or another period at once', async () => {
    const fleet = new LedgerFleet()
    const isolate = fleet.isolate('fra')
    await spend(fleet, isolate, 100)
    await fleet.clock.advance(86_400_000)
    expect((await ask(fleet, isolate)).isSpent).toBe(false)
    expect((await ask(fleet, isolate, { budget: { ...DAY, period: 'month' } })).isSpent).toBe(true)
    expect((await ask(fleet, isolate, { budget: { usd: 1, period: 'month' } })).isSpent).toBe(false)
  })
})

describe('an isolate', () => {
  it('waits for its first look, and refuses a spent key', async () => {
    const fleet = new LedgerFleet()
    await spend(fleet, fleet.isolate('fra'), 100)
    expect((await ask(fleet, fleet.isolate('syd'))).isSpent).toBe(true)
  })

  it('decides later requests at once, and looks in the background: every minute, or every 15 s near the budget', async () => {
    const fleet = new LedgerFleet({ visibilityDelayMs: 1 })
    const [fra, syd] = [fleet.isolate('fra'), fleet.isolate('syd')]
    await ask(fleet, fra, { estimate: 0 })
    const looksAfter = async (ms: number): Promise<number> => {
      await fleet.clock.advance(ms)
      const before = fleet.kv.counts.list
      const spending = ask(fleet, fra, { estimate: 0 })
      expect(spending).not.toBeInstanceOf(Promise)
      await fleet.clock.advance(1)
      return (fleet.kv.counts.list - before) / 2
    }
    expect([await looksAfter(LOOK_FAR_MS - 2), await looksAfter(2)]).toEqual([0, 1])
    await spend(fleet, syd, 60)
    expect([await looksAfter(LOOK_FAR_MS), await looksAfter(LOOK_NEAR_MS)]).toEqual([1, 1])
    await spend(fleet, syd, 40)
    expect([await looksAfter(LOOK_NEAR_MS), await looksAfter(LOOK_FAR_MS)]).toEqual([1, 0])
    expect((await ask(fleet, fra)).isSpent).toBe(true)
  })

  it('times out a first look after three seconds, and rejects', async () => {
    const fleet = new LedgerFleet()
    fleet.kv.hanging.add('list')
    const isolate = fleet.isolate('fra')
    const asked = Promise.resolve(ask(fleet, isolate)).catch(String)
    await fleet.clock.advance(LOOK_TIMEOUT_MS)
    expect(await asked).toContain('no answer from KV within 3000 ms')
    fleet.kv.hanging.clear()
    expect((await ask(fleet, isolate)).isSpent).toBe(false)
  })

  it('decides by its last look when later looks fail, also in a new period, and retries', async () => {
    const fleet = new LedgerFleet()
    const isolate = fleet.isolate('fra')
    await spend(fleet, isolate, 50)
    fleet.kv.failureRates.list = 1
    await fleet.clock.advance(LOOK_FAR_MS)
    await spend(fleet, isolate, 50)
    await fleet.clock.advance(1)
    expect(fleet.troubles).toEqual([`${KEY}: Error: KV LIST failed: 500 Internal Server Error`])
    expect((await ask(fleet, isolate)).isSpent).toBe(true)
    await fleet.clock.advance(86_400_000)
    await spend(fleet, isolate, 100)
    expect((await ask(fleet, isolate)).isSpent).toBe(true)
    await expect(Promise.all(fleet.background)).resolves.toBeDefined()
  })

  it('ignores a look that began before the last completed look', async () => {
    const { clock } = new LedgerFleet()
    const viewsAfterMs = [2_000, 0]
    const listed = [0, 100]
    const budgets = createBudgets({
      sleep: (ms) => clock.sleep(ms),
      ledger: {
        async look() {
          const costMicroUsd = listed.shift() ?? 0
          await clock.sleep(viewsAfterMs.shift() ?? 0)
          return { isComplete: true, days: () => new Map([['', { ...NOTHING, costMicroUsd }]]) }
        },
      },
    })
    const slow = budgets.check(KEY, DAY, 1, clock.nowMs, () => undefined)
    await clock.advance(1_000)
    expect((await budgets.check(KEY, DAY, 1, clock.nowMs, () => undefined)).isSpent).toBe(true)
    await clock.advance(1_000)
    expect((await slow).isSpent).toBe(true)
  })

  it('remembers at most ACCOUNTS_MAX keys', async () => {
    const fleet = new LedgerFleet()
    const { budgets } = fleet.isolate('fra')
    for (let at = 0; at <= ACCOUNTS_MAX; at++)
      void budgets.check(`key${at}`, DAY, 1, fleet.clock.nowMs, () => undefined)
    expect(budgets.size).toBe(ACCOUNTS_MAX)
  })
})
