/**
 * The sums of the days that are over, so that a question about a month reads no row of each key and day. They are made at the
 * first question, or two days later. A late report deletes the sums of its day, and the next question makes them anew. Pure.
 */
import { daysTable } from './days-table.ts'
import type { Statement } from './key-list.ts'
import { COLUMNS, SUMS } from './usage-list.ts'

/** For the directory. A day without usage has no row. */
export const DAY_SUMS_MIGRATION = `CREATE TABLE day_sums (date TEXT NOT NULL, model TEXT NOT NULL,
  ${COLUMNS.map(([name]) => `${name} INTEGER NOT NULL`).join(', ')}, PRIMARY KEY (date, model)) WITHOUT ROWID`

const ADD_UP = `WITH RECURSIVE ${daysTable('?', '?')}
  INSERT INTO day_sums SELECT date, model, ${SUMS} FROM days CROSS JOIN usage ON date = day
  WHERE day < ? AND day NOT IN (SELECT date FROM day_sums) GROUP BY date, model`

/** Makes the sums that are missing from one date to the other, both included, and before `today`. */
export function addUpDays(from: string, to: string, today: string): Statement {
  return { sql: ADD_UP, parameters: [from, to, today] }
}

/** Deletes the sums of a date, whose usage changes. */
export function deleteSums(date: string): Statement {
  return { sql: 'DELETE FROM day_sums WHERE date = ?', parameters: [date] }
}
