/** Usage as people read it: sums by day and model, and costs in dollars. Pure. */
import { datesBetween } from '../calendar.ts'
import { costOfSums } from '../models/price-as.ts'
import type { Prices } from '../models/prices.ts'
import { NO_MODEL, sumOf } from './ledger.ts'
import type { TaggedTotals, UsageRow, UsageTotals } from './usage-protocol.ts'
import { parseTags } from './tags.ts'

export type ShownTotals<Totals extends UsageTotals = UsageTotals> = Omit<
  Totals,
  'costMicroUsd' | 'estimatedMicroUsd'
> & { costUsd: number; estimatedUsd: number; pricedAsUsd?: number }

/**
 * Totals with their costs as decimal numbers of dollars. `estimatedUsd` is the part of the cost that is not exact. Other fields,
 * such as a date, stay. With the prices of another model, `pricedAsUsd` is what these tokens cost there.
 */
export function shownTotals<Totals extends UsageTotals>(
  totals: Totals,
  other: Prices | null = null,
): ShownTotals<Totals> {
  const { costMicroUsd, estimatedMicroUsd, ...counts } = totals
  const shown = { ...counts, costUsd: usdOf(costMicroUsd), estimatedUsd: usdOf(estimatedMicroUsd) }
  return other === null ? shown : { ...shown, pricedAsUsd: usdOf(costOfSums(totals, other)) }
}

export function usdOf(microUsd: number): number {
  return microUsd / 1_000_000
}

/** The sum of the rows from a date on. */
export function sumSince(rows: readonly UsageRow[], fromDate: string, other: Prices | null = null) {
  return shownTotals(sumOf(rows.filter(({ date }) => date >= fromDate)), other)
}

/** Each date from one to the other, both included, with its sum and its models. */
export function shownDays(
  rows: readonly UsageRow[],
  fromDate: string,
  toDate: string,
  other: Prices | null = null,
) {
  const byDate = Map.groupBy(rows, ({ date }) => date)
  return datesBetween(fromDate, toDate).map((date) => {
    const rowsOfDate = byDate.get(date) ?? []
    return { date, ...shownTotals(sumOf(rowsOfDate), other), models: shownModels(rowsOfDate, other) }
  })
}

/** Each model with its sum. Refusals have no model. */
export function shownModels(rows: readonly UsageRow[], other: Prices | null = null) {
  const ofModels = rows.filter(({ model }) => model !== NO_MODEL)
  return [...Map.groupBy(ofModels, (row) => row.model)].map(([model, rowsOfModel]) => ({
    model,
    ...shownTotals(sumOf(rowsOfModel), other),
  }))
}

/** Each combination of tags with its sum. */
export function shownTags(all: readonly TaggedTotals[], other: Prices | null = null) {
  return all.map(({ tags, ...totals }) => ({ tags: parseTags(tags), ...shownTotals(totals, other) }))
}
