/** Decides when a budget's use is an alert: once for each threshold, budget and period. Pure. */
import type { BudgetTold } from './outbox-state.ts'

/** Percent of a budget. Where one booking passes several of them, the highest is told. */
export const PERCENTS = [100, 95, 80] as const
/** Budgets of a running period that an account remembers. More are needed only where the operator changes it as often. */
export const BUDGETS_TOLD_MAX = 8

/** The use of a budget. */
export interface BudgetUse {
  /** The beginning that the dates of the period share, such as `2026-11`. */
  dates: string
  limitMicroUsd: number
  bookedMicroUsd: number
}

export interface BudgetVerdict {
  /** The same list where nothing has to be stored. */
  told: readonly BudgetTold[]
  /** The threshold to tell; `null` for none. */
  percent: number | null
}

/**
 * A correction may lower the cost below a threshold: it stays told. Of a budget that was changed in its period, the
 * thresholds that the operator knows of are told already, as far as they are passed. The others count again, since they are
 * other sums of money.
 */
export function judgeBudget(told: readonly BudgetTold[], use: BudgetUse, today: string): BudgetVerdict {
  const { dates, limitMicroUsd, bookedMicroUsd } = use
  const passed = PERCENTS.find((percent) => bookedMicroUsd * 100 >= limitMicroUsd * percent) ?? 0
  const ofPeriod = told.filter((known) => known.dates === dates)
  const same = ofPeriod.find((known) => known.limitMicroUsd === limitMicroUsd)
  const known = same?.percent ?? Math.min(passed, Math.max(0, ...ofPeriod.map(({ percent }) => percent)))
  const percent = Math.max(known, passed)
  const isStored = same === undefined ? percent === 0 && ofPeriod.length === 0 : same.percent === percent
  if (isStored) return { told, percent: null }
  // Periods that are over are forgotten.
  const others = told.filter((one) => one !== same && today.startsWith(one.dates))
  return {
    told: [...others, { dates, limitMicroUsd, percent }].slice(-BUDGETS_TOLD_MAX),
    percent: passed > known ? passed : null,
  }
}
