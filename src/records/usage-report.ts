/** The ledger's days as people read them: every day of a range, sums, and the cost in dollars. */
import { datesBetween } from '../calendar.ts'
import { NOTHING, sumOf, type Totals } from './usage-totals.ts'

/** By `<keyId>:<date>`. */
export type Days = ReadonlyMap<string, Totals>

/** A row for each date from one to the other, both included, with nothing where nothing was. */
export function rowsOf(days: Days, keyId: string, fromDate: string, toDate: string) {
  return datesBetween(fromDate, toDate).map((date) => ({
    date,
    ...shown(days.get(`${keyId}:${date}`) ?? NOTHING),
  }))
}

export function sumSince(days: Days, fromDate: string): Totals {
  return sumOf([...days].flatMap(([day, totals]) => (day.slice(-10) >= fromDate ? [totals] : [])))
}

/** The cost as a decimal number of dollars. */
export function shown({ costMicroUsd, ...counts }: Totals) {
  return { ...counts, costUsd: costMicroUsd / 1_000_000 }
}
