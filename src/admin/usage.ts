/** The operator's routes for usage: of one key, and of all keys. */
import type { Context } from 'hono'
import { shownTotals } from '../accounts/usage-report.ts'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { KEY_ID_FORM } from '../keys/secret.ts'
import { orServiceUnavailable } from '../keys/service-unavailable.ts'
import { rowsOf, shown, sumSince } from '../records/usage-report.ts'
import { requireKey } from './keys.ts'
import { rangeQuery, usageQuery } from './usage-query.ts'

/**
 * `GET /admin/keys/{id}/usage?from&to`: UTC dates, both included; default the last 31 days. A deleted key's usage stays.
 *
 * @throws GatewayError `key_not_found` for a key that neither is nor has usage, `usage_unavailable`.
 */
export async function showKeyUsage(c: Context<Gateway>): Promise<Response> {
  const { from, to } = rangeQuery(c.req.query(), 31, Date.now())
  const id = c.req.param('id') ?? ''
  const looking = isolateOf(c.env).ledger.look(KEY_ID_FORM.test(id) ? id : '-', from, to)
  const days = (await orServiceUnavailable(looking, 'usage_unavailable')).days()
  if (days.size === 0) await requireKey(c)
  return c.json({ id, from, to, total: shown(sumSince(days, from)), days: rowsOf(days, id, from, to) })
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
  const page = await isolateOf(c.env).accounts.usage(query)
  if (page.kind === 'unavailable') throw new GatewayError({ kind: 'usage_unavailable' })
  const { from, to, by } = query
  const data = page.groups.map((group) => shownTotals(group))
  return c.json({ from, to, by, data, total: shownTotals(page.total), nextCursor: page.nextCursor })
}
