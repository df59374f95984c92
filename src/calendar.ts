/** Days, months and lifetimes in UTC: the calendar of budgets, day limits and the ledger. */

/** A day, ms. */
export const DAY_MS = 86_400_000

/** What a budget covers: a UTC day, a UTC month, or the whole life of a key. */
export type Period = 'day' | 'month' | 'total'

/** The UTC date, as `2026-11-22`. Dates sort as text. */
export function dateOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10)
}

/** The dates from one to the other, both included. */
export function datesBetween(fromDate: string, toDate: string): string[] {
  const fromMs = Date.parse(fromDate)
  const length = (Date.parse(toDate) - fromMs) / DAY_MS + 1
  return Array.from({ length }, (_, at) => dateOf(fromMs + at * DAY_MS))
}

/** The first date of the period around `nowMs`. For `total` it is `0000-00-00`, which sorts before every date. */
export function periodStartDate(period: Period, nowMs: number): string {
  const today = dateOf(nowMs)
  return period === 'day' ? today : period === 'month' ? `${today.slice(0, 8)}01` : '0000-00-00'
}

/** The beginning that all dates of the period around `nowMs` share: `2026-11-22`, `2026-11`, or nothing for `total`. */
export function datesPrefix(period: Period, nowMs: number): string {
  const today = dateOf(nowMs)
  return period === 'day' ? today : period === 'month' ? today.slice(0, 7) : ''
}

/** When the period around `nowMs` ends, ms since 1970; `null` for `total`, which never ends. */
export function periodEndMs(period: Period, nowMs: number): number | null {
  const now = new Date(nowMs)
  if (period === 'total') return null
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()]
  return period === 'day' ? Date.UTC(year, month, now.getUTCDate() + 1) : Date.UTC(year, month + 1)
}
