/** The usage of all keys: the reports of accounts, and the sums that the operator asks for, in SQL. Pure. */
import { DAY_MS, dateOf } from '../calendar.ts'
import { apiKeyView } from '../keys/api-key.ts'
import { lazy } from '../lazy.ts'
import { DAYS_KEPT } from './book-usage.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { daysTable } from './days-table.ts'
import type { Statement } from './key-list.ts'
import type { UsageReport, UsageRow, UsageTotals } from './usage-protocol.ts'
import { noTimes } from './request-times.ts'

export const GROUPINGS = ['day', 'key', 'model', 'group', 'tag'] as const
export type Grouping = (typeof GROUPINGS)[number]

export interface UsageQuery {
  /** UTC dates, both included. */
  from: string
  to: string
  by: Grouping
  /** With `by: 'tag'`: the name of the tag whose values are the groups. */
  tag?: string | undefined
  /** Groups in a page. */
  limit: number
  /** The date, key id, model or value of the last group of the page before; `null` for the first page. */
  after: string | null
}

/** A key or group that the directory does not know yet has no name. `deletedAt` stands in deleted ones only. */
type GroupName =
  | { date: string }
  | { id: string; name: string | null; deletedAt?: string }
  | { model: string }
  | { value: string | null }

/** The sums of a day, of a key, of a model or of a tag's value. The value is `null` for requests without the tag. */
export type UsageGroup = GroupName & UsageTotals

export interface UsagePage {
  kind: 'page'
  /** Sorted by date, key id, model or value. By day, each date of the range has a group. Other groups have usage. */
  groups: UsageGroup[]
  /** The sums of the whole range. */
  total: UsageTotals
  nextCursor: string | null
}

/** The columns of the totals. */
export const COLUMNS = [
  ['requests', 'requests'],
  ['failures', 'failures'],
  ['refused', 'refused'],
  ['promptTokens', 'prompt_tokens'],
  ['cachedTokens', 'cached_tokens'],
  ['completionTokens', 'completion_tokens'],
  ['reasoningTokens', 'reasoning_tokens'],
  ['costMicroUsd', 'cost_micro_usd'],
  ['pending', 'pending'],
  ['estimated', 'estimated'],
  ['estimatedMicroUsd', 'estimated_micro_usd'],
] as const satisfies readonly (readonly [name: keyof UsageTotals, column: string])[]

/** The columns of the times of requests, which the metrics alone read. */
export const TIME_COLUMNS: readonly string[] = noTimes().map((_, at) => `times_${at}`)
const NUMBERS: readonly string[] = [...COLUMNS.map(([, column]) => column), ...TIME_COLUMNS]
/** The columns of a row, in the order of the parameters of `putRow`. */
export const STORED_COLUMNS: readonly string[] = ['date', 'key_id', 'model', 'tags', 'revision', ...NUMBERS]

const putRowSql = lazy(
  () => `INSERT INTO usage (${STORED_COLUMNS.join(', ')})
  VALUES (${STORED_COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT (date, key_id, model, tags) DO UPDATE SET revision = excluded.revision,
    ${NUMBERS.map((column) => `${column} = excluded.${column}`).join(', ')}
  WHERE excluded.revision > usage.revision`,
)

/** Stores the row of a day, a key, a model and tags, unless the stored row is of the same revision or of a later one. */
export function putRow(
  { keyId, revision }: Pick<UsageReport, 'keyId' | 'revision'>,
  row: UsageRow,
): Statement {
  return {
    sql: putRowSql(),
    parameters: [
      row.date,
      keyId,
      row.model,
      row.tags ?? '',
      revision,
      ...COLUMNS.map(([name]) => row[name]),
      ...(row.times ?? noTimes()),
    ],
  }
}

/** The first date that the directory keeps. An account's row of all older days is before it. */
export function firstKeptDate(nowMs: number): string {
  return dateOf(nowMs - DAYS_KEPT * DAY_MS)
}

/** For the directory. A primary key cannot be changed, so the rows are copied, some 300,000 a second. */
export const tagMigration = (): string => `
  CREATE TABLE tagged_usage (date TEXT NOT NULL, key_id TEXT NOT NULL, model TEXT NOT NULL, tags TEXT NOT NULL,
    revision INTEGER NOT NULL, ${NUMBERS.map((column) => `${column} INTEGER NOT NULL`).join(', ')},
    PRIMARY KEY (date, key_id, model, tags)) WITHOUT ROWID;
  INSERT INTO tagged_usage (${STORED_COLUMNS.join(', ')})
    SELECT ${STORED_COLUMNS.map((column) => (column === 'tags' ? "''" : column)).join(', ')} FROM usage;
  DROP TABLE usage;
  ALTER TABLE tagged_usage RENAME TO usage`

/** A sum of no rows is 0. */
export const sums = lazy(() =>
  COLUMNS.map(([name, column]) => `coalesce(sum(${column}), 0) AS ${name}`).join(', '),
)
/** The sums of rows that have the names of totals as columns. */
const sumsOfParts = lazy(() => COLUMNS.map(([name]) => `coalesce(sum(${name}), 0) AS ${name}`).join(', '))

/** The parameters of all statements: 1 and 2 are the range, 3 is today, 4 the group before the page, and 5 its length. */
const past = lazy(
  () => `SELECT date, model, ${COLUMNS.map(([name]) => name).join(', ')} FROM day_sums
  WHERE date BETWEEN ?1 AND ?2 AND date < ?3`,
)
/** No report of an account has a date before today that `day_sums` lacks. An account's clock can be ahead. */
const SINCE_TODAY = 'date BETWEEN max(?1, ?3) AND ?2'
const DAYS = daysTable('?1', '?2')

export type TotalRow = Record<keyof UsageTotals, number>
export type GroupRow = TotalRow & { value: string; view?: string | null; deletedAt?: string | null }

/** The rows are `TotalRow`. The sums of the days before today exist. */
export function selectTotal({ from, to }: UsageQuery, today: string): Statement {
  return {
    sql: `SELECT ${sumsOfParts()} FROM (${past()} UNION ALL SELECT '', '', ${sums()} FROM usage WHERE ${SINCE_TODAY})`,
    parameters: [from, to, today],
  }
}

// The primary key has the date first. So a page begins with the next keys of each day, and reads no others.
const byKey = lazy(
  () => `WITH RECURSIVE ${DAYS},
      page (id) AS (SELECT DISTINCT next.value FROM days, json_each((SELECT json_group_array(key_id) FROM
        (SELECT DISTINCT key_id FROM usage WHERE date = day AND key_id > ?4 ORDER BY key_id LIMIT ?5))) AS next
        ORDER BY next.value LIMIT ?5),
      sums AS (SELECT id AS value, ${sums()} FROM page CROSS JOIN days CROSS JOIN usage ON date = day AND key_id = id
        GROUP BY id)
    SELECT sums.*, keys.view AS view, keys.deleted_at AS deletedAt FROM sums LEFT JOIN keys ON keys.id = value
    ORDER BY value`,
)

const groupsSql = lazy((): Readonly<Record<Grouping, string>> => ({
  day: `WITH RECURSIVE ${DAYS},
      parts AS (${past()} UNION ALL SELECT date, '', ${sums()} FROM usage WHERE ${SINCE_TODAY} GROUP BY date)
    SELECT day AS value, ${sumsOfParts()} FROM days LEFT JOIN parts ON date = day
    WHERE day > ?4 GROUP BY day ORDER BY day LIMIT ?5`,
  key: byKey(),
  // The directory of groups has them in the place of keys.
  group: byKey(),
  model: `WITH parts AS (${past()} UNION ALL SELECT date, model, ${COLUMNS.map(([name, column]) => `${column} AS ${name}`).join(', ')}
      FROM usage WHERE ${SINCE_TODAY})
    SELECT model AS value, ${sumsOfParts()} FROM parts
    WHERE model > ?4 GROUP BY model ORDER BY model LIMIT ?5`,
  // A value is never empty. So the empty text stands for requests without the tag, and the first page has it too.
  tag: `SELECT iif(tags = '', '', coalesce(tags ->> ?, '')) AS value, ${sums()} FROM usage
    WHERE date BETWEEN ? AND ? GROUP BY value HAVING value > ? OR ? ORDER BY value LIMIT ?`,
}))

/**
 * The rows are `GroupRow`: one more than a page has, so that the last page is known. The sums of the days before today exist.
 */
export function selectGroups({ from, to, by, tag = '', limit, after }: UsageQuery, today: string): Statement {
  if (by === 'tag') {
    const isFirst = after === null ? 1 : 0
    return { sql: groupsSql()[by], parameters: [tag, from, to, after ?? '', isFirst, limit + 1] }
  }
  // Every date, key id and model sorts after the empty text. So refusals, which have no model, are in no group by model.
  return { sql: groupsSql()[by], parameters: [from, to, today, after ?? '', limit + 1] }
}

export function groupOf(by: Grouping, { value, view, deletedAt, ...totals }: GroupRow): UsageGroup {
  switch (by) {
    case 'day':
      return { date: value, ...totals }
    case 'model':
      return { model: value, ...totals }
    case 'tag':
      return { value: value === '' ? null : value, ...totals }
    case 'key':
    case 'group': {
      const name = view ? apiKeyView.parse(JSON.parse(view)).name : null
      return { id: value, name, ...(deletedAt ? { deletedAt } : {}), ...totals }
    }
  }
}

/** The cursor behind a group. */
export function usageCursorOf(by: Grouping, value: string): string {
  return encodeCursor([by, value])
}

/** `null` for a text that `usageCursorOf` has not made for this grouping. */
export function parseUsageCursor(text: string, by: Grouping): string | null {
  const [cursorBy, value] = decodeCursor(text)
  return cursorBy === by && typeof value === 'string' ? value : null
}
