/** The query of the operator's usage routes, parsed. */
import { type Grouping, GROUPINGS, parseUsageCursor, type UsageQuery } from '../accounts/usage-list.ts'
import { dateOf, DAY_MS } from '../calendar.ts'
import type { ModelTable } from '../models/model.ts'
import { type OtherModel, otherModel } from '../models/price-as.ts'
import { invalidQuery } from './invalid-query.ts'
import { choiceParameter, limitParameter, type Query } from './query-parameters.ts'
import { RANGE_DAYS_DEFAULT, RANGE_DAYS_MAX, USAGE_LIMIT_DEFAULT, USAGE_LIMIT_MAX } from './requests.ts'

/** UTC dates, both included. */
export interface DateRange {
  from: string
  to: string
}

/**
 * `GET /admin/usage?from&to&by&tag&limit&cursor`.
 *
 * @param usageTags The names of tags that the gateway reads.
 * @throws GatewayError `invalid_parameter` with the name of the wrong parameter.
 */
export function usageQuery(query: Query, nowMs: number, usageTags: readonly string[]): UsageQuery {
  const range = rangeQuery(query, RANGE_DAYS_DEFAULT, nowMs)
  const by = choiceParameter('by', query['by'] ?? 'day', GROUPINGS)
  const tag = tagParameter(query, by, usageTags)
  const limit = limitParameter(query, USAGE_LIMIT_DEFAULT, USAGE_LIMIT_MAX)
  const cursor = query['cursor']
  const after = cursor === undefined ? null : parseUsageCursor(cursor, by)
  if (cursor !== undefined && after === null) {
    throw invalidQuery('cursor', "the 'nextCursor' of the page before, with the same 'by'")
  }
  return { ...range, by, tag, limit, after }
}

/** `undefined` where the rows are not of a tag. @throws GatewayError `invalid_parameter`. */
function tagParameter({ tag }: Query, by: Grouping, usageTags: readonly string[]): string | undefined {
  if (by !== 'tag') {
    if (tag !== undefined) throw invalidQuery('tag', "none without 'by=tag'")
    return undefined
  }
  if (usageTags.length === 0) throw invalidQuery('by', "no 'tag', since the gateway has no USAGE_TAGS")
  return choiceParameter('tag', tag ?? '', usageTags)
}

export function formatQuery({ format = 'json' }: Query): 'json' | 'csv' {
  return choiceParameter('format', format, ['json', 'csv'])
}

/** Parameters that only choose or change the rows of a JSON page. */
const PAGE_PARAMETERS = ['by', 'tag', 'limit', 'cursor', 'priceAs']

/** `GET /admin/usage?format=csv&from&to`. @throws GatewayError `invalid_parameter`, also for a parameter that a file does not have. */
export function exportQuery(query: Query, nowMs: number): DateRange {
  const unfit = PAGE_PARAMETERS.find((name) => query[name] !== undefined)
  if (unfit !== undefined)
    throw invalidQuery(unfit, "none beside 'format=csv', which has all rows by day, key, model and tags")
  return rangeQuery(query, RANGE_DAYS_DEFAULT, nowMs)
}

/** `?from&to`; by default as many days up to today. @throws GatewayError `invalid_parameter` with the name of the wrong date. */
export function rangeQuery(query: Query, daysDefault: number, nowMs: number): DateRange {
  const to = dateParameter(query, 'to', nowMs)
  const from = dateParameter(query, 'from', Date.parse(to) - (daysDefault - 1) * DAY_MS)
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1
  if (days < 1 || days > RANGE_DAYS_MAX) throw invalidQuery('from', `1 to ${RANGE_DAYS_MAX} days up to 'to'`)
  return { from, to }
}

/** `?priceAs`; `null` without it. @throws GatewayError `invalid_parameter` for a model that is not known, or whose price is not. */
export function priceAsQuery({ priceAs }: Query, models: ModelTable): OtherModel | null {
  if (priceAs === undefined) return null
  const other = otherModel(priceAs, models)
  if (other === null) {
    throw invalidQuery('priceAs', "a model's name or slug with a known price, such as openai/gpt-6-luna")
  }
  return other
}

function dateParameter(query: Query, name: string, defaultMs: number): string {
  const date = query[name] ?? dateOf(defaultMs)
  const ms = Date.parse(date)
  // A year before 0 or after 9999 begins with a sign.
  const isDate = /^\d/.test(date) && !Number.isNaN(ms) && dateOf(ms) === date
  if (!isDate) throw invalidQuery(name, 'a date, such as 2027-01-31')
  return date
}
