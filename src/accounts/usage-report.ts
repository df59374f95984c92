/** Usage as people read it: sums by day and model, and costs in dollars. Pure. */
import { datesBetween } from '../calendar.ts'
import { sumOf } from './ledger.ts'
import type { UsageRow, UsageTotals } from './protocol.ts'

export type ShownTotals<Totals extends UsageTotals = UsageTotals> = Omit<
  Totals,
  'costMicroUsd' | 'estimatedMicroUsd'
> & { costUsd: number; estimatedUsd: number }

/**
 * Totals with their costs as decimal numbers of dollars. `estimatedUsd` is the part of the cost that is not exact. Other fields,
 * such as a date, stay.
 */
export function shownTotals<Totals extends UsageTotals>({
  costMicroUsd,
  estimatedMicroUsd,
  ...counts
}: Totals): ShownTotals<Totals> {
  return { ...counts, costUsd: usdOf(costMicroUsd), estimatedUsd: usdOf(estimatedMicroUsd) }
}

export function usdOf(microUsd: number): number {
  return microUsd / 1_000_000
}

/** The sum of the rows from a date on. */
export function sumSince(rows: readonly UsageRow[], fromDate: string) {
  return shownTotals(sumOf(rows.filter(({ date }) => date >= fromDate)))
}

/** Each date from one to the other, both included, with its sum and its models. */
export function shownDays(rows: readonly UsageRow[], fromDate: string, toDate: string) {
  const byDate = Map.groupBy(rows, ({ date }) => date)
  return datesBetween(fromDate, toDate).map((date) => {
    const rowsOfDate = byDate.get(date) ?? []
    return { date, ...shownTotals(sumOf(rowsOfDate)), models: shownModels(rowsOfDate) }
  })
}

/** Each model with its sum. */
export function shownModels(rows: readonly UsageRow[]) {
  return [...Map.groupBy(rows, (row) => row.model)].map(([model, rowsOfModel]) => ({
    model,
    ...shownTotals(sumOf(rowsOfModel)),
  }))
}
