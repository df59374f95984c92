/** The operator's list of keys: what an account reports of its key, and how a page is asked for. Pure. */
import { dateOf, periodStartDate } from '../calendar.ts'
import { type ApiKeyView, viewOf } from '../keys/api-key.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { daysTable } from './days-table.ts'
import type { StoredKey } from './stored-key.ts'

export const STATES = ['active', 'disabled', 'expired', 'deleted'] as const
/** A key has one state at a time. A disabled key that has also expired is disabled. */
export type ListedState = (typeof STATES)[number]

/** `cost` is the cost of the UTC day so far, dearest first. It changes meanwhile, so a later page may repeat or miss a key. */
export const SORTS = ['created', 'name', 'cost'] as const
export type Sort = (typeof SORTS)[number]

/** The report of an account to the directory. A report of an older version changes nothing. */
export interface KeyReport {
  view: ApiKeyView
  version: number
  deletedAt: string | null
}

export interface KeyListQuery {
  limit: number
  /** The last key of the page before; `null` for the first page. */
  after: Position | null
  /** The beginning of the name, in any case; empty for all. */
  namePrefix: string
  /** Without one: all that are not deleted. */
  state: ListedState | null
  sort: Sort
  /** One key alone. */
  id: string | null
  /** The keys of a group alone. */
  group: string | null
}

/** The position of a key in the order of a list. */
export interface Position {
  value: string | number
  id: string
}

/** `todayCostUsd` is of the UTC day, and `monthCostUsd` of the UTC month. `deletedAt` stands in deleted keys only. */
export type ListedKey = ApiKeyView & { todayCostUsd: number; monthCostUsd: number; deletedAt?: string }

export interface KeyCount {
  kind: 'count'
  keys: number
}

export interface KeyPage {
  kind: 'page'
  keys: ListedKey[]
  nextCursor: string | null
}

export function reportOf({ key, deletedAt }: StoredKey): KeyReport {
  return { view: viewOf(key), version: key.version, deletedAt }
}

/** For the directory's `keys`. Keys without a group are not in the index. A group's keys stand in it in the order of creation. */
export const GROUP_MIGRATION = `
  ALTER TABLE keys ADD COLUMN group_id TEXT GENERATED ALWAYS AS (view ->> 'group') VIRTUAL;
  CREATE INDEX keys_by_group ON keys (group_id, created_at_ms, id) WHERE group_id IS NOT NULL`

/** A name as it is sorted and searched: the case does not matter. */
export function foldedName(name: string): string {
  return name.toLowerCase()
}

export interface Statement {
  sql: string
  parameters: (string | number)[]
}

/** A row of `selectKeys`. */
export type KeyRow = {
  id: string
  view: string
  deleted_at: string | null
  today_micro_usd: number
  month_micro_usd: number
  position: string | number
}

/** Reads one row more than a page has, so that the last page is known. */
export function selectKeys(
  { limit, after, namePrefix, state, sort, id, group }: KeyListQuery,
  nowMs: number,
): Statement {
  // The plus keeps SQLite from the index of all names, which would read keys of all states.
  const column = sort === 'name' && state !== null && state !== 'active' ? '+name_folded' : COLUMNS[sort]
  const prefix = foldedName(namePrefix)
  const conditions: [condition: string, ...parameters: (string | number)[]][] = [stateCondition(state, nowMs)]
  // U+10FFFF is the last character there is, and no name has it.
  if (prefix !== '') conditions.push(['name_folded >= ? AND name_folded < ?', prefix, `${prefix}\u{10ffff}`])
  if (id !== null) conditions.push(['id = ?', id])
  if (group !== null) conditions.push(['group_id = ?', group])
  if (after !== null) conditions.push([`(${column}, id) > (?, ?)`, after.value, after.id])
  const where = conditions.map(([condition]) => condition).join(' AND ')
  const today = dateOf(nowMs)
  return {
    sql: `WITH RECURSIVE ${daysTable('?', '?')}, page AS (
        SELECT id, view, deleted_at, today_micro_usd, ${column} AS position FROM (${KEYS_WITH_COST})
        WHERE ${where} ORDER BY ${column}, id LIMIT ?)
      SELECT page.*, ${MONTH_COST} AS month_micro_usd FROM page ORDER BY position, id`,
    parameters: [
      periodStartDate('month', nowMs),
      today,
      today,
      ...conditions.flatMap(([, ...parameters]) => parameters),
      limit + 1,
    ],
  }
}

/** The row is `{ keys: number }`. */
export function selectKeyCount(groupId: string): Statement {
  const [condition] = stateCondition(null, 0)
  return {
    sql: `SELECT count(*) AS keys FROM keys WHERE group_id = ? AND ${condition}`,
    parameters: [groupId],
  }
}

export function cursorOf({ value, id }: Position, sort: Sort): string {
  return encodeCursor([sort, value, id])
}

/** `null` for a text that `cursorOf` has not made for this order. */
export function parseCursor(text: string, sort: Sort): Position | null {
  const [cursorSort, value, id] = decodeCursor(text)
  if (cursorSort !== sort || value === undefined || typeof id !== 'string') return null
  return typeof value === (sort === 'name' ? 'string' : 'number') ? { value, id } : null
}

/** The order is ascending, so the dearest key has the smallest value. */
const COLUMNS: Readonly<Record<Sort, string>> = {
  created: 'created_at_ms',
  name: 'name_folded',
  cost: '-today_micro_usd',
}

const KEYS_WITH_COST = `SELECT *, (SELECT coalesce(sum(cost_micro_usd), 0) FROM usage WHERE date = ? AND key_id = keys.id)
  AS today_micro_usd FROM keys`

/** A look-up for each day of the month and each key of the page. The primary key has the date first, and a scan reads all keys. */
const MONTH_COST = `(SELECT coalesce(sum(cost_micro_usd), 0) FROM days CROSS JOIN usage
  ON usage.date = day AND usage.key_id = page.id)`

/** For the directory, so that a page of a rare state reads no keys of others, and no count reads them all. */
export const STATE_MIGRATION = `
  CREATE INDEX keys_deleted ON keys (created_at_ms, id) WHERE deleted_at IS NOT NULL;
  CREATE INDEX keys_disabled ON keys (created_at_ms, id) WHERE deleted_at IS NULL AND disabled = 1;
  CREATE INDEX keys_ending ON keys (expires_at_ms) WHERE deleted_at IS NULL AND disabled = 0 AND expires_at_ms IS NOT NULL;
  CREATE TABLE key_count (number INTEGER NOT NULL);
  INSERT INTO key_count SELECT count(*) FROM keys;
  CREATE TRIGGER keys_counted AFTER INSERT ON keys BEGIN UPDATE key_count SET number = number + 1; END`

/** The condition of a state in SQL, and its parameters. */
export function stateCondition(
  state: ListedState | null,
  nowMs: number,
): [condition: string, ...parameters: number[]] {
  switch (state) {
    case null:
      return ['deleted_at IS NULL']
    case 'deleted':
      return ['deleted_at IS NOT NULL']
    case 'disabled':
      return ['deleted_at IS NULL AND disabled = 1']
    case 'expired':
      return ['deleted_at IS NULL AND disabled = 0 AND expires_at_ms <= ?', nowMs]
    case 'active':
      return ['deleted_at IS NULL AND disabled = 0 AND (expires_at_ms IS NULL OR expires_at_ms > ?)', nowMs]
  }
}
