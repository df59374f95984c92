/** An account's book over Node's own SQLite. */
import { DatabaseSync } from 'node:sqlite'
import type { Limits } from '../../src/limits/limits.ts'
import { BOOK_MIGRATIONS, type BookSql } from '../../src/accounts/book-schema.ts'
import { AccountBook } from '../../src/accounts/book.ts'
import type { AdmissionRequest, BookedUsage, SettlementEntry } from '../../src/accounts/protocol.ts'

export const NOON_MS = Date.UTC(2026, 10, 26, 12)
export const NO_LIMITS: Limits = {}

export class BookRig {
  readonly database = new DatabaseSync(':memory:')
  readonly #sql: BookSql
  book: AccountBook
  #batches = 0

  /** An earlier version has fewer migrations. */
  constructor(migrations = BOOK_MIGRATIONS) {
    for (const statements of migrations) this.database.exec(statements)
    this.#sql = {
      exec: (statement, ...bindings) => {
        const rows = this.database.prepare(statement).all(...bindings)
        return { toArray: () => rows }
      },
    }
    this.book = new AccountBook(this.#sql)
  }

  restart(): void {
    this.book = new AccountBook(this.#sql)
  }

  /** Settles by a batch of its own. */
  settle(entry: SettlementEntry, nowMs: number): void {
    this.#batches += 1
    this.book.settle({ writerId: 'rig', number: this.#batches, entries: [entry] }, nowMs)
  }

  count(table: 'minutes' | 'recent' | 'requests' | 'usage' | 'writers'): number {
    return this.database.prepare(`SELECT 1 FROM ${table}`).all().length
  }
}

export function costing(costMicroUsd: number, tokens = 0): BookedUsage {
  return { promptTokens: tokens, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0, costMicroUsd }
}

export function requestOf(requestId: string, worstMicroUsd = 100, tokens = 10): AdmissionRequest {
  return {
    requestId,
    model: 'o3-mini',
    worstMicroUsd,
    expected: costing(Math.ceil(worstMicroUsd / 10)),
    tokens,
  }
}

export function entryOf(
  requestId: string,
  admittedAtMs: number,
  rest: Partial<SettlementEntry> = {},
): SettlementEntry {
  const booked = costing(50, 5)
  return {
    requestId,
    model: 'o3-mini',
    admittedAtMs,
    admittedBy: 'account',
    failed: false,
    booked,
    certainty: 'exact',
    end: { status: 200, reason: null, firstOutputMs: null, durationMs: 0, logId: null },
    ...rest,
  }
}

/** The end of a request that the account was never asked about. */
export function ofIsolate(
  requestId: string,
  admittedAtMs: number,
  rest: Partial<SettlementEntry> = {},
): SettlementEntry {
  return entryOf(requestId, admittedAtMs, { admittedBy: 'isolate', ...rest })
}
