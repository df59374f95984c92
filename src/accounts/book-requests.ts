/** The requests of a key that its account remembers: those under way, those that wait for their usage, and ended ones. */
import { DAY_MS } from '../calendar.ts'
import { REPLAY_MS } from './book-windows.ts'
import { type BookSql, type Counted, parseRequest, parseWhole, type Pending } from './book-schema.ts'
import type { StoredRequest, UnderWay } from './book-schema.ts'

/** Settled requests are deleted after so long, ms. Until then they keep a call that comes twice from counting twice. */
export const SETTLED_KEPT_MS = DAY_MS
/** A release that came before its admission is remembered for so long, ms. */
export const RELEASED_KEPT_MS = 3_600_000

export class BookRequests {
  readonly #sql: BookSql
  readonly #underWay = new Map<string, UnderWay>()
  readonly #pending = new Map<string, Pending>()

  constructor(sql: BookSql) {
    this.#sql = sql
    const statement = "SELECT stored FROM requests WHERE state IN ('under_way', 'pending')"
    for (const row of sql.exec(statement).toArray()) this.#remember(parseRequest(row))
  }

  get underWay(): Iterable<UnderWay> {
    return this.#underWay.values()
  }

  get pending(): Iterable<Pending> {
    return this.#pending.values()
  }

  get(requestId: string): StoredRequest | null {
    const open = this.#underWay.get(requestId) ?? this.#pending.get(requestId)
    if (open !== undefined) return open
    const [row] = this.#sql.exec('SELECT stored FROM requests WHERE id = ?', requestId).toArray()
    return row === undefined ? null : parseRequest(row)
  }

  put(stored: StoredRequest): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO requests (id, state, window_at_ms, settled_at_ms, stored) VALUES (?, ?, ?, ?, ?)',
      stored.requestId,
      stored.state,
      stored.counted === null ? null : (stored.counted.settledAtMs ?? stored.counted.atMs),
      stored.state === 'under_way' ? null : stored.settledAtMs,
      JSON.stringify(stored),
    )
    this.#remember(stored)
  }

  /** The counts of the newest rows in the minute's windows. */
  counted(): Counted[] {
    const [newest] = this.#sql.exec('SELECT max(window_at_ms) AS at_ms FROM requests').toArray()
    const fromMs = parseWhole(newest?.['at_ms']) - REPLAY_MS
    const rows = this.#sql.exec('SELECT stored FROM requests WHERE window_at_ms >= ?', fromMs).toArray()
    return rows.map((row) => parseRequest(row).counted)
  }

  prune(nowMs: number): void {
    this.#sql.exec(
      "DELETE FROM requests WHERE state IN ('settled', 'expired') AND settled_at_ms < ?",
      nowMs - SETTLED_KEPT_MS,
    )
    this.#sql.exec(
      "DELETE FROM requests WHERE state = 'released' AND settled_at_ms < ?",
      nowMs - RELEASED_KEPT_MS,
    )
  }

  #remember(stored: StoredRequest): void {
    this.#underWay.delete(stored.requestId)
    this.#pending.delete(stored.requestId)
    if (stored.state === 'under_way') this.#underWay.set(stored.requestId, stored)
    if (stored.state === 'pending') this.#pending.set(stored.requestId, stored)
  }
}
