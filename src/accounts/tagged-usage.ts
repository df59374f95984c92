/** What an account tells of its rows: sums by day and model, and sums by combination of tags. Pure. */
import { sumOf } from './ledger.ts'
import type { TaggedTotals, UsageRow } from './usage-protocol.ts'
import { otherTags } from './tags.ts'

/** Combinations of tags in an answer: the dearest ones. The others are summed up under `OTHER_TAG`. */
export const TAGGED_SHOWN_MAX = 100

/** One row for each day and model. So the answer of an account stays small, however many tags its requests have. */
export function withoutTags(rows: UsageRow[]): UsageRow[] {
  if (rows.every(({ tags }) => tags === undefined)) return rows
  return [...Map.groupBy(rows, ({ date, model }) => `${date} ${model}`).values()].flatMap((same) => {
    const [first] = same
    return first === undefined ? [] : [{ ...sumOf(same), date: first.date, model: first.model }]
  })
}

/** The sums of each combination of tags, the dearest first. Requests without tags are in none. */
export function taggedTotals(rows: readonly UsageRow[]): TaggedTotals[] {
  const tagged = rows.flatMap((row) => (row.tags === undefined ? [] : [{ ...row, tags: row.tags }]))
  const sums = sumsByTags(tagged).toSorted((a, b) => b.costMicroUsd - a.costMicroUsd)
  if (sums.length <= TAGGED_SHOWN_MAX) return sums
  const rest = sums.slice(TAGGED_SHOWN_MAX).map((sum) => ({ ...sum, tags: otherTags(sum.tags) }))
  return sumsByTags([...sums.slice(0, TAGGED_SHOWN_MAX), ...rest])
}

function sumsByTags(all: readonly TaggedTotals[]): TaggedTotals[] {
  const groups = Map.groupBy(all, ({ tags }) => tags)
  return [...groups].map(([tags, same]) => ({ ...sumOf(same), tags }))
}
