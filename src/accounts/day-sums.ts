/**
 * The sums of the days that are over, so that a question about a month reads no row of each key and day. They are made at the
 * first question, or two days later. A late report deletes the sums of its day, and the next question makes them anew. Pure.
 */
import { lazy } from '../lazy.ts'
import { daysTable } from './days-table.ts'
import type { Statement } from './key-list.ts'
import { COLUMNS, sums } from './usage-list.ts'

/** For the directory. A day without usage has no row. */
export const daySumsMigration = (): string => `CREATE TABLE day_sums (date TEXT NOT NULL, model TEXT NOT NULL,
  ${COLUMNS.map(([name]) => `${name} INTEGER NOT NULL`).join(', ')}, PRIMARY KEY (date, model)) WITHOUT ROWID`

const addUpSql = lazy(
  () => `WITH RECURSIVE ${daysTable('?', '?')}
  INSERT INTO day_sums SELECT date, model, ${sums()} FROM days CROSS JOIN usage ON date = day
  WHERE day < ? AND day NOT IN (SELECT date FROM day_sums) GROUP BY date, model`,
)

/** Makes the sums that are missing from one date to the other, both included, and before `today`. */
export function addUpDays(from: string, to: string, today: string): Statement {
  return { sql: addUpSql(), parameters: [from, to, today] }
}

/** Deletes the sums of a date, whose usage changes. */
export function deleteSums(date: string): Statement {
  return { sql: 'DELETE FROM day_sums WHERE date = ?', parameters: [date] }
}
