/**
 * The counts of a key by minute over the last days, as its account keeps them in SQL. A minute is one row of a ring, so that
 * nothing is deleted. It is written once, when it is over. Until then its counts travel in the row of each batch.
 */
import { DAY_MS } from '../calendar.ts'
import type { BookSql } from './book-schema.ts'
import { addCounts, MINUTE_MS, type MinuteCounts, minuteList, minuteOf } from './minute-counts.ts'

/** Days that the ring holds. */
export const MINUTES_DAYS_KEPT = 8
const MINUTES_KEPT = (MINUTES_DAYS_KEPT * DAY_MS) / MINUTE_MS
/** Minutes that stay open, for requests that are settled late. A later one costs a row more. */
export const MINUTES_OPEN = 15

export class BookMinutes {
  readonly #sql: BookSql
  readonly #open = new Map<number, MinuteCounts>()

  /** `openMinutes` is what `open` gave for the last batch. */
  constructor(sql: BookSql, openMinutes: unknown) {
    this.#sql = sql
    for (const counts of minuteList.parse(openMinutes)) this.#open.set(counts.minute, counts)
  }

  /** The open minutes, as plain data. */
  get open(): MinuteCounts[] {
    return [...this.#open.values()]
  }

  add(counts: MinuteCounts): void {
    const known = this.#open.get(counts.minute)
    this.#open.set(counts.minute, known === undefined ? counts : addCounts(known, counts))
  }

  /** Writes the minutes that are over. */
  close(nowMs: number): void {
    const firstOpen = minuteOf(nowMs) - MINUTES_OPEN
    for (const counts of this.open) {
      if (counts.minute >= firstOpen) continue
      this.#open.delete(counts.minute)
      this.#put(counts)
    }
  }

  /** The minutes of the last days with any request, in the order of time. */
  list(nowMs: number): MinuteCounts[] {
    const firstKept = minuteOf(nowMs) - MINUTES_KEPT + 1
    const columns = 'minute, requests, refused, tokens, cost_micro_usd AS costMicroUsd'
    const rows = this.#sql.exec(`SELECT ${columns} FROM minutes WHERE minute >= ?`, firstKept).toArray()
    const byMinute = new Map(minuteList.parse(rows).map((counts) => [counts.minute, counts]))
    for (const counts of this.open) {
      const written = byMinute.get(counts.minute)
      byMinute.set(counts.minute, written === undefined ? counts : addCounts(written, counts))
    }
    return [...byMinute.values()]
      .filter(({ minute }) => minute >= firstKept)
      .toSorted((a, b) => a.minute - b.minute)
  }

  #put({ minute, requests, refused, tokens, costMicroUsd }: MinuteCounts): void {
    this.#sql.exec(
      `INSERT INTO minutes (slot, minute, requests, refused, tokens, cost_micro_usd) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (slot) DO UPDATE SET
         requests = excluded.requests + iif(minute = excluded.minute, requests, 0),
         refused = excluded.refused + iif(minute = excluded.minute, refused, 0),
         tokens = excluded.tokens + iif(minute = excluded.minute, tokens, 0),
         cost_micro_usd = excluded.cost_micro_usd + iif(minute = excluded.minute, cost_micro_usd, 0),
         minute = excluded.minute
       WHERE minutes.minute <= excluded.minute`,
      minute % MINUTES_KEPT,
      minute,
      requests,
      refused,
      tokens,
      costMicroUsd,
    )
  }
}
