/** The history of a key: its last requests, and its counts by minute. It decides nothing. */
import { BookMinutes } from './book-minutes.ts'
import { BookRecent } from './book-recent.ts'
import type { BookSql } from './book-schema.ts'
import { type MinuteCounts, minuteOf } from './minute-counts.ts'
import type { RefusalReport } from './protocol.ts'
import type { RequestRecord, SettledRecord } from './request-record.ts'

export class BookHistory {
  readonly #recent: BookRecent
  readonly #minutes: BookMinutes

  constructor(sql: BookSql) {
    this.#recent = new BookRecent(sql)
    this.#minutes = new BookMinutes(sql, this.#recent.openMinutes)
  }

  /** Takes what a batch tells. `clamp` brings the time of an isolate within bounds. */
  add(
    settled: readonly SettledRecord[],
    { limited, last }: RefusalReport,
    nowMs: number,
    clamp: (timeMs: number) => number,
  ): void {
    if (settled.length + last.length === 0) return
    for (const { admittedAtMs, booked, isAttempt } of settled) {
      const tokens = booked.promptTokens + booked.completionTokens
      const minute = minuteOf(clamp(admittedAtMs))
      const requests = isAttempt === true ? 0 : 1
      this.#minutes.add({ minute, requests, refused: 0, tokens, costMicroUsd: booked.costMicroUsd })
    }
    for (const { atMs, refused } of limited) {
      const minute = minuteOf(clamp(atMs))
      this.#minutes.add({ minute, requests: 0, refused, tokens: 0, costMicroUsd: 0 })
    }
    this.#minutes.close(nowMs)
    this.#recent.add([...settled, ...last], this.#minutes.open)
  }

  /** The last requests, the newest first. */
  list(): RequestRecord[] {
    return this.#recent.list()
  }

  find(requestId: string): RequestRecord | null {
    return this.#recent.find(requestId)
  }

  /** The minutes of the last days with any request, in the order of time. */
  minutes(nowMs: number): MinuteCounts[] {
    return this.#minutes.list(nowMs)
  }
}
