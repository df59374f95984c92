/**
 * A key's last requests, as its account keeps them in SQL: one row a batch of settlements, in a ring. A batch costs one row
 * however many requests it has, and a row that is written over costs no deletion.
 */
import { type BookSql, parseJson, parseWhole } from './book-schema.ts'
import type { MinuteCounts } from './minute-counts.ts'
import { recordList, type RequestRecord, timeOf } from './request-record.ts'

/** Rows of the ring. Each has a request at least, so that the last 200 requests are always there. */
export const BATCHES_KEPT = 200
/** Requests that are kept of one batch: its last ones. */
export const KEPT_OF_BATCH = 200
/** Requests in one answer. */
export const LISTED_MAX = 200
/** Rows that are read at once. A row of a busy key has 60 kB. */
const ROWS_READ = 10

export class BookRecent {
  readonly #sql: BookSql
  #number: number
  /** The open minutes of the newest row. */
  readonly openMinutes: unknown

  constructor(sql: BookSql) {
    this.#sql = sql
    const statement = 'SELECT number, open_minutes FROM recent ORDER BY number DESC LIMIT 1'
    const [newest] = sql.exec(statement).toArray()
    this.#number = parseWhole(newest?.['number'])
    this.openMinutes = newest === undefined ? [] : parseJson(newest['open_minutes'])
  }

  add(records: readonly RequestRecord[], openMinutes: readonly MinuteCounts[]): void {
    this.#number += 1
    this.#sql.exec(
      'INSERT OR REPLACE INTO recent (slot, number, open_minutes, stored) VALUES (?, ?, ?, ?)',
      this.#number % BATCHES_KEPT,
      this.#number,
      JSON.stringify(openMinutes),
      JSON.stringify(records.slice(-KEPT_OF_BATCH)),
    )
  }

  find(requestId: string): RequestRecord | null {
    const statement = 'SELECT stored FROM recent WHERE instr(stored, ?) > 0'
    const rows = this.#sql.exec(statement, JSON.stringify(requestId)).toArray()
    return rows.flatMap(recordsOf).find((record) => record.requestId === requestId) ?? null
  }

  /** The last requests, the newest first. */
  list(): RequestRecord[] {
    const records: RequestRecord[] = []
    for (let offset = 0; records.length < LISTED_MAX; offset += ROWS_READ) {
      const statement = 'SELECT stored FROM recent ORDER BY number DESC LIMIT ? OFFSET ?'
      const rows = this.#sql.exec(statement, ROWS_READ, offset).toArray()
      if (rows.length === 0) break
      records.push(...rows.flatMap(recordsOf))
    }
    return records.toSorted((a, b) => timeOf(b) - timeOf(a)).slice(0, LISTED_MAX)
  }
}

function recordsOf(row: Record<string, unknown>): RequestRecord[] {
  return recordList.parse(parseJson(row['stored']))
}
