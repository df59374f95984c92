/**
 * The operator's metrics: what the directory counts with each report of usage, and how it is asked for, in SQL. Pure.
 *
 * A key and a model have one row over all days. So a question reads few rows, and a day that is deleted lowers nothing. A
 * correction can lower a sum. Its counter then stays at the most that the sum has been, until the sum is above it.
 */
import { lazy } from '../lazy.ts'
import { type ListedState, STATES, stateCondition, type Statement } from './key-list.ts'
import { isRequestTimes, noTimes, type RequestTimes } from './request-times.ts'
import { STORED_COLUMNS, TIME_COLUMNS } from './usage-list.ts'

/** What a series is of. */
export const METRIC_GROUPINGS = ['model', 'key', 'group'] as const
export type MetricGrouping = (typeof METRIC_GROUPINGS)[number]

/**
 * Keys that have series of their own: the first ones that were used, and that are not deleted. They are some 20,000 series. A
 * key never moves to the others or back, since a counter that falls means a restart to whoever reads it.
 */
export const METRIC_KEYS_MAX = 500
/** Stands for the ids of all other keys. An id is longer. */
export const OTHER_KEYS = 'other'

/** Sums that grow, except by a correction: a column of `usage`, less another one. Each token is of one kind, so kinds can be added. */
const COUNTERS = [
  ['requests', 'requests'],
  ['failures', 'failures'],
  ['refused', 'refused'],
  ['newPromptTokens', 'prompt_tokens', 'cached_tokens'],
  ['cachedPromptTokens', 'cached_tokens'],
  ['visibleCompletionTokens', 'completion_tokens', 'reasoning_tokens'],
  ['reasoningTokens', 'reasoning_tokens'],
  ['costMicroUsd', 'cost_micro_usd'],
  ['estimated', 'estimated'],
] as const

/** Sums that grow and fall. */
const GAUGES = [
  ['pending', 'pending'],
  ['estimatedMicroUsd', 'estimated_micro_usd'],
] as const

export type MetricName = (typeof COUNTERS)[number][0] | (typeof GAUGES)[number][0]

/** The metrics of a model, of a key, or of all other keys. */
export interface MetricGroup extends Record<MetricName, number> {
  /** The model, the key's id or `OTHER_KEYS`. Refusals have no model, and are under `NO_MODEL`. */
  value: string
  /** The key's name. `null` for a model, for the other keys, and for a key that the directory does not know yet. */
  name: string | null
  times: RequestTimes
}

export interface Metrics {
  kind: 'metrics'
  groups: MetricGroup[]
  keys: Record<ListedState, number>
}

interface Summed {
  /** A column of `metrics`. */
  column: string
  /** What a row of `usage` adds to it. */
  addend: (row: string) => string
}

const sums = lazy((): readonly Summed[] => [
  ...[...COUNTERS, ...GAUGES].map(([name, plus, minus]) => ({
    column: `sum_${name}`,
    addend: (row: string) => `${row}.${plus}${minus === undefined ? '' : ` - ${row}.${minus}`}`,
  })),
  ...TIME_COLUMNS.map((column) => ({ column, addend: (row: string) => `${row}.${column}` })),
])

/** The column of each counter, and that of its sum. */
const mosts = lazy(() => COUNTERS.map(([name]) => ({ most: `most_${name}`, sum: `sum_${name}` })))

/** In `is_shown`: 1 for a key with series of its own, 0 for another one, and this for a key whose series has ended. */
const ENDED = 2

const IS_SHOWN = `coalesce((SELECT is_shown FROM metrics WHERE key_id = new.key_id LIMIT 1),
  (SELECT ${ENDED} FROM keys WHERE id = new.key_id AND deleted_at IS NOT NULL),
  (SELECT count(DISTINCT key_id) FROM metrics WHERE is_shown = 1)
    < ${METRIC_KEYS_MAX})`

/** The index has the shown keys alone, so that a new key does not read all of them. */
export const SHOWN_MIGRATION = `UPDATE metrics SET is_shown = ${ENDED}
    WHERE is_shown AND key_id IN (SELECT id FROM keys WHERE deleted_at IS NOT NULL);
  CREATE INDEX metrics_shown ON metrics (key_id) WHERE is_shown = 1`

/** A deleted key gives its place to the next new key. */
export function endSeries(keyId: string): Statement {
  return {
    sql: `UPDATE metrics SET is_shown = ${ENDED} WHERE key_id = ? AND is_shown = 1`,
    parameters: [keyId],
  }
}

/** For the directory, which has `keys` and `usage`. The usage that it has is counted, without times. */
export const metricMigration = (): string => `
  ${TIME_COLUMNS.map((column) => `ALTER TABLE usage ADD COLUMN ${column} INTEGER NOT NULL DEFAULT 0;`).join(' ')}
  CREATE TABLE metrics (key_id TEXT NOT NULL, model TEXT NOT NULL, is_shown INTEGER NOT NULL,
    ${list(sums(), ({ column }) => `${column} INTEGER NOT NULL`)},
    ${list(mosts(), ({ most }) => `${most} INTEGER NOT NULL DEFAULT 0`)}, PRIMARY KEY (key_id, model)) WITHOUT ROWID;
  INSERT INTO metrics (key_id, model, is_shown, ${list(sums(), ({ column }) => column)})
    SELECT key_id, model, dense_rank() OVER (ORDER BY deleted_at IS NOT NULL, key_id) <= ${METRIC_KEYS_MAX},
      ${list(sums(), ({ addend }) => `sum(${addend('usage')})`)}
    FROM usage LEFT JOIN keys ON id = key_id GROUP BY key_id, model;
  UPDATE metrics SET ${list(mosts(), ({ most, sum }) => `${most} = max(0, ${sum})`)}`

const countRowSql = lazy(
  () => `
  WITH new (${STORED_COLUMNS.join(', ')}) AS (SELECT ${list(STORED_COLUMNS, () => '?')}),
    added AS (SELECT new.key_id, new.model, ${IS_SHOWN} AS is_shown,
        ${list(sums(), ({ column, addend }) => `${difference(column, addend)} AS ${column}`)}
      FROM new LEFT JOIN usage AS old USING (date, key_id, model, tags)
      WHERE old.revision IS NULL OR old.revision < new.revision)
  INSERT INTO metrics SELECT *, ${list(mosts(), ({ sum }) => `max(0, ${sum})`)} FROM added WHERE true
  ON CONFLICT (key_id, model) DO UPDATE SET
    ${list(sums(), ({ column }) => `${column} = ${column} + excluded.${column}`)},
    ${list(mosts(), ({ most, sum }) => `${most} = max(${most}, ${sum} + excluded.${sum})`)}`,
)

/** No correction lowers a time. An account that went back to an earlier version has forgotten those of its day. */
function difference(column: string, addend: Summed['addend']): string {
  const text = `${addend('new')} - coalesce(${addend('old')}, 0)`
  return TIME_COLUMNS.includes(column) ? `max(0, ${text})` : text
}

/** Counts what `putRow` is about to change. The parameters are those of `putRow`. */
export function countRow({ parameters }: Statement): Statement {
  return { sql: countRowSql(), parameters }
}

const shown = lazy(
  () => `${list(COUNTERS, ([name]) => `sum(most_${name}) AS ${name}`)},
  ${list(GAUGES, ([name]) => `sum(sum_${name}) AS ${name}`)},
  json_array(${list(TIME_COLUMNS, (column) => `sum(${column})`)}) AS times`,
)

/** The series of a deleted key ends. Deleted keys among the others stay, so that no counter falls. */
const byKey = lazy(
  () => `SELECT iif(is_shown, key_id, '${OTHER_KEYS}') AS value, iif(is_shown, view ->> 'name', NULL) AS name, ${shown()}
  FROM metrics LEFT JOIN keys ON id = key_id WHERE is_shown < ${ENDED}
  GROUP BY value ORDER BY NOT is_shown, value`,
)

const groupsSql = lazy((): Readonly<Record<MetricGrouping, string>> => ({
  model: `SELECT model AS value, NULL AS name, ${shown()} FROM metrics GROUP BY model ORDER BY model`,
  key: byKey(),
  // The directory of groups has them in the place of keys.
  group: byKey(),
}))

export type MetricRow = Record<MetricName, number> & { value: string; name: string | null; times: string }

/** The rows are `MetricRow`. */
export function selectMetrics(by: MetricGrouping): Statement {
  return { sql: groupsSql()[by], parameters: [] }
}

export function metricGroup({ times, ...sums }: MetricRow): MetricGroup {
  const parsed: unknown = JSON.parse(times)
  return { ...sums, times: isRequestTimes(parsed) ? parsed : noTimes() }
}

/** The row is `Record<ListedState, number>`. Active keys are what the rare states leave, so that their rows are not read. */
export function selectKeyStates(nowMs: number): Statement {
  const rare = STATES.filter((state) => state !== 'active').map((state) => {
    const [condition, ...parameters] = stateCondition(state, nowMs)
    return { state, text: `(SELECT count(*) FROM keys WHERE ${condition}) AS ${state}`, parameters }
  })
  const sql = `SELECT *, (SELECT number FROM key_count) - ${rare.map(({ state }) => state).join(' - ')} AS active
    FROM (SELECT ${list(rare, ({ text }) => text)})`
  return { sql, parameters: rare.flatMap(({ parameters }) => parameters) }
}

function list<Item>(items: readonly Item[], textOf: (item: Item) => string): string {
  return items.map(textOf).join(', ')
}
