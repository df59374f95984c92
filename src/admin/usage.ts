/** The operator's routes for usage: of one key, and of all keys. */
import type { Context } from 'hono'
import { shownDays, shownModels, shownTotals, sumSince } from '../accounts/usage-report.ts'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { requireId } from './keys.ts'
import { rangeQuery, usageQuery } from './usage-query.ts'

/**
 * `GET /admin/keys/{id}/usage?from&to`: UTC dates, both included; default the last 31 days. A deleted key's usage stays.
 *
 * @throws GatewayError `key_not_found`, `usage_unavailable`.
 */
export async function showKeyUsage(c: Context<Gateway>): Promise<Response> {
  const { from, to } = rangeQuery(c.req.query(), 31, Date.now())
  const id = requireId(c)
  const { defaultLimits } = c.get('config')
  const answer = await isolateOf(c.env).accounts.usage(id, { fromDate: from, toDate: to, defaultLimits })
  if (answer.kind === 'absent') throw new GatewayError({ kind: 'key_not_found', keyId: id })
  if (answer.kind !== 'usage') throw new GatewayError({ kind: 'usage_unavailable' })
  const { rows, deletedAt } = answer
  return c.json({
    id,
    ...(deletedAt === null ? {} : { deletedAt }),
    from,
    to,
    total: sumSince(rows, from),
    models: shownModels(rows),
    days: shownDays(rows, from, to),
  })
}

/**
 * A page of the usage of all keys, and the `total` of the range. The query has `from` and `to` (UTC dates, both included,
 * 400 days at most; default the last 7 days), `by` (`day`, `key` or `model`; default `day`), `limit` (1 to 1,000 rows, default
 * 400) and the `cursor` that the page before gave as `nextCursor`.
 *
 * By day, each date of the range has a row. Usage is up to a minute old.
 *
 * @throws GatewayError `invalid_parameter`, `usage_unavailable`.
 */
export async function showAllUsage(c: Context<Gateway>): Promise<Response> {
  const query = usageQuery(c.req.query(), Date.now())
  const page = await isolateOf(c.env).accounts.usageOfAll(query)
  if (page.kind === 'unavailable') throw new GatewayError({ kind: 'usage_unavailable' })
  const { from, to, by } = query
  const data = page.groups.map((group) => shownTotals(group))
  return c.json({ from, to, by, data, total: shownTotals(page.total), nextCursor: page.nextCursor })
}
