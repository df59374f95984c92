/** Days in SQL. */

/** A common table `days` of the UTC dates from one to the other, both included, for `WITH RECURSIVE`. Its one column is `day`. */
export function daysTable(from: string, to: string): string {
  return `days (day) AS (SELECT ${from} UNION ALL SELECT date(day, '+1 day') FROM days WHERE day < ${to})`
}
