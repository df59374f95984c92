/** The amount that several isolates spend beyond a budget. The documents' figures come from here. */
import { describe, expect, it } from 'vitest'
import { LOOK_FAR_MS, LOOK_NEAR_MS } from '../../../src/limits/budget.ts'
import { WRITE_SPACING_MS } from '../../../src/records/usage-ledger.ts'
import type { BudgetOutcome, BudgetScenario } from '../../support/budget-simulation.ts'
import { simulateBudget } from '../../support/budget-simulation.ts'

const KV_MS = 60_000
/** An isolate looks only when a request comes. With 16 isolates at two requests a second, an isolate may wait this long. */
const GAP_MS = 60_000
const SEEDS = [1, 2, 3]

// 2 requests a second of 2,000 micro-dollars are 0.24 dollars a minute: the budgets last 25 minutes and 1 minute.
const MICRO_USD_PER_MS = 4
const SLOW: BudgetScenario = { isolates: 1, usd: 6, requestsPerSecond: 2, minutes: 32, seed: 1 }
const QUICK: BudgetScenario = { ...SLOW, usd: 0.24, minutes: 8 }

describe('a budget that several isolates spend', () => {
  it.each(SEEDS)('is exceeded by one isolate by at most its pending requests, with seed %i', async (seed) => {
    for (const scenario of [SLOW, QUICK]) {
      const outcome = await simulateBudget({ ...scenario, seed })
      expect(outcome.lastAdmittedAfterMs).toBeLessThan(0)
      expect(overshoot(outcome, scenario)).toBeLessThanOrEqual(outcome.underWayMicroUsd)
      expect(outcome.refused).toBeGreaterThan(100)
    }
  })

  it.each([4, 16])(
    'is exceeded by %i isolates by at most their pending requests and their unseen spending',
    async (isolates) => {
      for (const seed of SEEDS) {
        for (const [scenario, lookMs] of [
          [SLOW, LOOK_NEAR_MS],
          [QUICK, LOOK_FAR_MS],
        ] as const) {
          const outcome = await simulateBudget({ ...scenario, isolates, seed })
          const unseenMs = lookMs + KV_MS + WRITE_SPACING_MS
          expect(outcome.lastAdmittedAfterMs).toBeLessThanOrEqual(unseenMs + GAP_MS)
          // The spending is random: 1.2 times its mean is far above the spending of any two minutes.
          const bound = outcome.underWayMicroUsd + unseenMs * MICRO_USD_PER_MS * 1.2
          expect(overshoot(outcome, scenario)).toBeLessThanOrEqual(bound)
          expect(outcome.refused).toBeGreaterThan(100)
        }
      }
    },
    60_000,
  )

  it('is exceeded by less than 1.5 % where KV is a second late', async () => {
    const outcome = await simulateBudget({ ...SLOW, isolates: 4, visibilityDelayMs: 1_000 })
    expect(overshoot(outcome, SLOW) / 6_000_000).toBeLessThan(0.015)
  })

  it('costs two lists a minute and isolate far from it, eight near it, and none once it is spent', async () => {
    const { listsAnIsolateAndMinute } = await simulateBudget({ ...SLOW, isolates: 4 })
    expect(listsAnIsolateAndMinute).toBeLessThan(5)
    const spent = await simulateBudget({ ...QUICK, minutes: 60 })
    expect(spent.listsAnIsolateAndMinute * 60).toBeLessThan(20)
  })
})

function overshoot({ spentMicroUsd }: BudgetOutcome, { usd }: BudgetScenario): number {
  return spentMicroUsd - usd * 1_000_000
}
