/** Totals of usage as the routes show them. */
import type { UsageTotals } from './protocol.ts'

export type ShownTotals<Totals extends UsageTotals = UsageTotals> = Omit<
  Totals,
  'costMicroUsd' | 'estimatedMicroUsd'
> & { costUsd: number; estimatedUsd: number }

/** The totals with their costs in dollars instead of micro-dollars. Other fields, such as a date, stay. */
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
