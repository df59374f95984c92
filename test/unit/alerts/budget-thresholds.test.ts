/** A budget's use is an alert once for each threshold, budget and period, whatever the order of bookings and changes. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BudgetUse, judgeBudget, PERCENTS } from '../../../src/alerts/budget-thresholds.ts'
import type { BudgetTold } from '../../../src/alerts/outbox-state.ts'

const DATES = ['2027-02', '2027-03']
const use = fc.record({
  dates: fc.constantFrom(...DATES),
  limitMicroUsd: fc.constantFrom(100, 101, 120, 200),
  bookedMicroUsd: fc.integer({ min: 0, max: 250 }),
})

/** The alerts of a series of uses, in the order of their periods. */
function alertsOf(uses: readonly BudgetUse[]): (BudgetUse & { percent: number })[] {
  let told: readonly BudgetTold[] = []
  return uses.flatMap((one) => {
    const verdict = judgeBudget(told, one, `${one.dates}-15`)
    told = verdict.told
    return verdict.percent === null ? [] : [{ ...one, percent: verdict.percent }]
  })
}

const inOrder = (uses: BudgetUse[]): BudgetUse[] =>
  DATES.flatMap((dates) => uses.filter((one) => one.dates === dates))
const passedBy = ({ bookedMicroUsd, limitMicroUsd }: BudgetUse): number =>
  PERCENTS.find((percent) => bookedMicroUsd * 100 >= limitMicroUsd * percent) ?? 0

describe('a budget', () => {
  it('is told of each threshold at most once in a period, however often its cost falls or its sum changes', () => {
    fc.assert(
      fc.property(fc.array(use, { maxLength: 30 }), (uses) => {
        const names = alertsOf(inOrder(uses)).map((one) => `${one.dates} ${one.limitMicroUsd} ${one.percent}`)
        expect(new Set(names).size).toBe(names.length)
      }),
    )
  })

  it('that is passed at the end of a period was told in it, of this sum or of another one', () => {
    fc.assert(
      fc.property(fc.array(use, { maxLength: 30 }), (uses) => {
        const ordered = inOrder(uses)
        for (const dates of DATES) {
          const last = ordered.findLast((one) => one.dates === dates)
          if (last === undefined) continue
          const told = alertsOf(ordered).filter((one) => one.dates === dates)
          expect(Math.max(0, ...told.map(({ percent }) => percent))).toBeGreaterThanOrEqual(passedBy(last))
        }
      }),
    )
  })

  it('that was raised is told at the thresholds of its new sum', () => {
    const month = { dates: '2027-02' }
    const steps: BudgetUse[] = [
      { ...month, limitMicroUsd: 100, bookedMicroUsd: 100 },
      { ...month, limitMicroUsd: 200, bookedMicroUsd: 100 },
      { ...month, limitMicroUsd: 200, bookedMicroUsd: 160 },
      { ...month, limitMicroUsd: 200, bookedMicroUsd: 150 },
      { ...month, limitMicroUsd: 200, bookedMicroUsd: 165 },
    ]
    expect(alertsOf(steps).map(({ limitMicroUsd, percent }) => [limitMicroUsd, percent])).toEqual([
      [100, 100],
      [200, 80],
    ])
  })

  it('stores nothing before its first threshold, and forgets periods that are over', () => {
    const told: BudgetTold[] = []
    expect(
      judgeBudget(told, { dates: '2027-02', limitMicroUsd: 100, bookedMicroUsd: 79 }, '2027-02-15').told,
    ).toBe(told)
    const old = [{ dates: '2027-02', limitMicroUsd: 100, percent: 100 }]
    const next = judgeBudget(old, { dates: '2027-03', limitMicroUsd: 100, bookedMicroUsd: 80 }, '2027-03-01')
    expect(next).toEqual({ told: [{ dates: '2027-03', limitMicroUsd: 100, percent: 80 }], percent: 80 })
  })
})
