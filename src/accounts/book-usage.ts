/** The totals of a key by UTC day, model and tags, as its account keeps them in SQL. */
import { DAY_MS, dateOf } from '../calendar.ts'
import { getOrCreate } from '../lru.ts'
import { type BookSql, parseUsageRow, parseWhole } from './book-schema.ts'
import { BookTags } from './book-tags.ts'
import { NO_USAGE, sumOf } from './ledger.ts'
import type { RequestEnd } from './protocol.ts'
import type { UsageRow, UsageTotals } from './usage-protocol.ts'
import { addTimes, noTimes } from './request-times.ts'

/** Days that keep a row of their own. Older ones are one row a model. */
export const DAYS_KEPT = 400
/** The date of the row of all older days. It sorts before every date. */
export const OLDER_DATE = '0000-00-00'
/** Periods whose sums are in memory. A day, a month and a life are three. */
const SUMS_MAX = 8

/** The sum of the bookings in a period. */
export interface PeriodSum {
  costMicroUsd: number
  requests: number
}

/** The day, the model and the tags of a row. */
export interface UsagePlace {
  date: string
  model: string
  /** Those that `tags.take` gives for a request. */
  tags?: string | undefined
}

/** Rows that have changed, up to a revision. */
export interface UsageChanges {
  revision: number
  rows: UsageRow[]
}

export class BookUsage {
  readonly tags: BookTags
  /** Grows with each change that is written. */
  revision: number
  readonly #sql: BookSql
  /** Sums by the beginning that the dates of a period share: `2026-11-26`, `2026-11`, or nothing. */
  readonly #sums = new Map<string, PeriodSum>()
  /** Rows that were changed and not written yet, by date, tags and model. */
  readonly #changed = new Map<string, UsageRow>()

  constructor(sql: BookSql) {
    this.#sql = sql
    this.tags = new BookTags(sql)
    const [row] = sql.exec('SELECT max(revision) AS revision FROM usage').toArray()
    this.revision = parseWhole(row?.['revision'])
  }

  /** Changes the totals of a row, and counts the times of `end`. The caller writes once it has made all its changes. */
  change(
    { date, model, tags }: UsagePlace,
    change: (totals: UsageTotals) => UsageTotals,
    end: RequestEnd | null = null,
  ): void {
    const name = `${date}${tags ?? ''} ${model}`
    const before = this.#changed.get(name) ?? this.#read(date, model, tags)
    const after: UsageRow = { ...before, ...change(before) }
    if (end !== null) addTimes((after.times ??= noTimes()), end)
    for (const [prefix, sum] of this.#sums) {
      if (!date.startsWith(prefix)) continue
      sum.costMicroUsd += after.costMicroUsd - before.costMicroUsd
      sum.requests += after.requests - before.requests
    }
    this.#changed.set(name, after)
  }

  /** Writes each changed row once. */
  write(): void {
    if (this.#changed.size === 0) return
    this.revision += 1
    for (const row of this.#changed.values()) this.#put(row)
    this.#changed.clear()
  }

  /** The sum of the bookings on the dates that begin with `prefix`. */
  sumOf(prefix: string): Readonly<PeriodSum> {
    return getOrCreate(this.#sums, prefix, SUMS_MAX, () => {
      const statement = `SELECT sum(cost_micro_usd) AS cost, sum(requests) AS requests FROM usage
        WHERE date >= ? AND date < ?`
      // Each date sorts before the tilde.
      const [row] = this.#sql.exec(statement, prefix, `${prefix}~`).toArray()
      return { costMicroUsd: parseWhole(row?.['cost']), requests: parseWhole(row?.['requests']) }
    })
  }

  /** The rows from one date to the other, both included. */
  rows(fromDate: string, toDate: string): UsageRow[] {
    const statement = 'SELECT stored FROM usage WHERE date BETWEEN ? AND ? ORDER BY date, model, tags'
    return this.#sql.exec(statement, fromDate, toDate).toArray().map(parseUsageRow)
  }

  /** The first `rowsMax` rows that have changed since a revision, and the others of the last one's revision. */
  changedSince(revision: number, rowsMax: number): UsageChanges {
    const first = 'SELECT revision, stored FROM usage WHERE revision > ? ORDER BY revision LIMIT ?'
    const rows = this.#sql.exec(first, revision, rowsMax).toArray()
    if (rows.length < rowsMax) return { revision: this.revision, rows: rows.map(parseUsageRow) }
    const upTo = parseWhole(rows.at(-1)?.['revision'])
    const whole = 'SELECT stored FROM usage WHERE revision > ? AND revision <= ? ORDER BY revision'
    return { revision: upTo, rows: this.#sql.exec(whole, revision, upTo).toArray().map(parseUsageRow) }
  }

  /**
   * Adds the rows of old days to the row of all older days. Their times are forgotten: the directory has counted them. So are
   * their tags: no report shows older days, and a budget needs the sums alone. With them the rows would grow without end.
   */
  foldOldDays(nowMs: number): void {
    const firstKept = dateOf(nowMs - DAYS_KEPT * DAY_MS)
    const statement = 'SELECT stored FROM usage WHERE date < ? ORDER BY date, model'
    const old = this.#sql.exec(statement, firstKept).toArray().map(parseUsageRow)
    if (old.every((row) => row.date === OLDER_DATE)) return
    this.revision += 1
    this.#sql.exec('DELETE FROM usage WHERE date < ?', firstKept)
    for (const model of new Set(old.map((row) => row.model))) {
      const totals = sumOf(old.filter((row) => row.model === model))
      this.#put({ ...totals, date: OLDER_DATE, model })
    }
  }

  #read(date: string, model: string, tags: string | undefined): UsageRow {
    const statement = 'SELECT stored FROM usage WHERE date = ? AND model = ? AND tags = ?'
    const [row] = this.#sql.exec(statement, date, model, tags ?? '').toArray()
    return row === undefined ? { ...NO_USAGE, date, model, tags } : parseUsageRow(row)
  }

  #put(row: UsageRow): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO usage (date, model, tags, revision, requests, cost_micro_usd, stored)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      row.date,
      row.model,
      row.tags ?? '',
      this.revision,
      row.requests,
      row.costMicroUsd,
      JSON.stringify(row),
    )
  }
}
