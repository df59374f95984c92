import { describe, expect, it } from 'vitest'
import { fleetShare, getAndPut, memoryOnly } from '../../support/limits-contenders.ts'
import { meanOutcome, simulate } from '../../support/limits-simulation.ts'
import type { Outcome, Scenario } from '../../support/limits-simulation.ts'

// The worst case: KV shows every change 60 s late, and each isolate is a location of its own.
const BASE: Scenario = { isolates: 8, limit: 60, demand: 10, minutes: 20, warmUpMinutes: 4, seed: 1 }
const SEEDS = [1, 2, 3]

function run(change: Partial<Scenario>, contender = fleetShare()): Promise<Outcome> {
  return meanOutcome({ ...BASE, ...change }, contender, SEEDS)
}

describe('fleet-share over a KV that is a minute late', () => {
  it.each([
    // The bounds of the over-admission, as a share of the limit: its mean, and its worst 60 s.
    { isolates: 1, demand: 1, meanMax: 0, worstMax: 0 },
    { isolates: 1, demand: 3, meanMax: 0, worstMax: 0 },
    { isolates: 1, demand: 10, meanMax: 0, worstMax: 0 },
    { isolates: 4, demand: 1, meanMax: 0.06, worstMax: 0.65 },
    { isolates: 4, demand: 3, meanMax: 0.03, worstMax: 0.35 },
    { isolates: 4, demand: 10, meanMax: 0.04, worstMax: 0.2 },
    { isolates: 16, demand: 1, meanMax: 0.06, worstMax: 0.65 },
    { isolates: 16, demand: 3, meanMax: 0.06, worstMax: 0.4 },
    { isolates: 16, demand: 10, meanMax: 0.07, worstMax: 0.3 },
    { isolates: 64, demand: 10, meanMax: 0.14, worstMax: 0.5 },
  ])(
    'holds $isolates isolates near the limit at a demand of $demand × the limit',
    async ({ isolates, demand, meanMax, worstMax }) => {
      const outcome = await run({ isolates, demand })
      expect(outcome.meanOver).toBeLessThanOrEqual(meanMax)
      expect(outcome.worstOver).toBeLessThanOrEqual(worstMax)
      expect(outcome.fullestMinute).toBeLessThanOrEqual(isolates * 60)
      expect(outcome.tooManyWrites).toBe(0)
      // It also admits nearly as much as the limit allows.
      expect(outcome.meanOver).toBeGreaterThan(demand === 1 ? -0.12 : -0.05)
    },
  )

  it.each([
    ['strict', 0],
    ['exact', 0],
    ['balanced', 0.5],
    ['lenient', 1],
  ] as const)('admits steady demand up to the tolerance of mode %s, not more', async (mode, tolerance) => {
    // Evenly paced demand does not grow, so the bound is (1 + τ) × limit + N in any 60 s.
    const outcome = await run({ demand: 1.9, pace: 'even' }, fleetShare(mode))
    expect(outcome.worstOver).toBeLessThanOrEqual(tolerance + BASE.isolates / BASE.limit)
  })

  it('holds a limit of tokens as it holds a limit of requests', async () => {
    const outcome = await run({ isolates: 4 }, fleetShare('balanced', 1_000))
    expect(outcome.meanOver).toBeLessThanOrEqual(0.04)
    expect(outcome.meanOver).toBeGreaterThan(-0.05)
  })

  it('refuses below 0.2 % of a demand of half the limit', async () => {
    expect((await run({ demand: 0.5 })).refusedShare).toBeLessThan(0.002)
    expect((await run({ demand: 0.5 }, fleetShare('strict'))).refusedShare).toBeLessThan(0.002)
  })

  it('refuses below 0.2 % of a demand below the limit that most isolates sample', async () => {
    const quiet = { limit: 600, isolates: 200, minutes: 10 }
    expect((await run({ ...quiet, demand: 0.74 })).refusedShare).toBeLessThan(0.002)
    expect((await run({ ...quiet, demand: 0.5 }, fleetShare('strict'))).refusedShare).toBeLessThan(0.002)
  }, 60_000)

  it.each([2, 4])(
    'refuses nothing of a demand of 74 percent that moves once, with %i isolates',
    async (isolates) => {
      const outcome = await run({ isolates, demand: 0.74, traffic: 'moves', pace: 'even', warmUpMinutes: 0 })
      expect(outcome.refusedShare).toBe(0)
    },
  )

  it('costs at most 150 writes and 140 lists a thousand requests at 3 × the limit', async () => {
    const outcome = await run({ demand: 3 })
    expect(outcome.writesPerThousand).toBeLessThan(150)
    expect(outcome.listsPerThousand).toBeLessThan(140)
    expect(outcome.getsPerThousand).toBe(0)
    const overloaded = await run({ demand: 10 })
    expect(overloaded.writesPerThousand + overloaded.listsPerThousand).toBeLessThan(130)
  })

  it('holds the limit while half of the writes fail', async () => {
    const outcome = await run({ failingWrites: 0.5 })
    expect(outcome.meanOver).toBeLessThan(0.15)
  })

  it('counts in memory when all writes fail', async () => {
    const outcome = await run({ failingWrites: 1 })
    const alone = await run({}, memoryOnly)
    expect(outcome.meanOver).toBeCloseTo(alone.meanOver, 1)
    expect(outcome.fullestMinute).toBeLessThanOrEqual(BASE.isolates * BASE.limit)
    expect(outcome.writesPerThousand).toBeLessThan(5)
  })

  it('holds the limit with clocks that are up to 10 s off', async () => {
    expect((await run({ clockSkewMs: 10_000 })).meanOver).toBeLessThan(0.07)
  })

  it('holds a limit of 10 a minute', async () => {
    const outcome = await run({ limit: 10 })
    expect(outcome.meanOver).toBeLessThan(0.12)
    expect(outcome.worstOver).toBeLessThanOrEqual(0.8)
  })

  it('holds the limit with bursts of 30 s', async () => {
    expect((await run({ demand: 3, traffic: 'bursts' })).meanOver).toBeLessThan(0.29)
  })

  it('admits less above the limit where KV is only 5 s late', async () => {
    expect((await run({ visibilityDelayMs: 5_000 })).meanOver).toBeLessThan(0.03)
  })

  it.each([
    { limit: 600, isolates: 200, demand: 3 },
    { limit: 600, isolates: 400, demand: 5 },
    { limit: 3_000, isolates: 300, demand: 4 },
  ])(
    'holds a limit of $limit within 10 % at $demand × the limit, over $isolates isolates of which most are quiet',
    async (change) => {
      const outcome = await simulate({ ...BASE, ...change, minutes: 9 }, fleetShare())
      expect(Math.abs(outcome.meanOver)).toBeLessThanOrEqual(0.1)
      expect(outcome.writesPerThousand).toBeLessThanOrEqual(400)
      expect(outcome.listsPerThousand).toBeLessThanOrEqual(400)
      expect(outcome.tooManyWrites).toBe(0)
    },
    60_000,
  )

  it('holds a limit over quiet isolates while half of the writes fail and clocks are up to 10 s off', async () => {
    const quiet = { limit: 600, isolates: 200, demand: 3, minutes: 9 }
    const outcome = await simulate(
      { ...BASE, ...quiet, failingWrites: 0.5, clockSkewMs: 10_000 },
      fleetShare(),
    )
    expect(Math.abs(outcome.meanOver)).toBeLessThanOrEqual(0.1)
  }, 60_000)

  it('gives the same result for the same seed', async () => {
    expect(await simulate(BASE, fleetShare())).toEqual(await simulate(BASE, fleetShare()))
  })
})

describe('the obvious designs', () => {
  it('do not enforce a limit with a counter in one key', async () => {
    const outcome = await run({ isolates: 4 }, getAndPut)
    expect(outcome.meanOver).toBeGreaterThan(8.5)
    expect(outcome.getsPerThousand + outcome.writesPerThousand).toBeGreaterThan(1_900)
  })

  it('multiply the limit by the isolates when each counts by itself', async () => {
    expect((await run({ isolates: 4 }, memoryOnly)).meanOver).toBeCloseTo(3, 0)
    expect((await run({ isolates: 16 }, memoryOnly)).meanOver).toBeGreaterThan(8)
  })
})
