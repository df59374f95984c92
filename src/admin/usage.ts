/** The operator's routes for usage: of one key, of one group, of all keys, and of all groups. */
import type { Context } from 'hono'
import { isDecidedByAccount } from '../accounts/admit-request.ts'
import { limitsNow } from '../accounts/holder-usage.ts'
import { shownDays, shownModels, shownTags, shownTotals, sumSince } from '../accounts/usage-report.ts'
import type { Gateway } from '../context.ts'
import { type Failure, GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { isGroupId } from '../keys/group-id.ts'
import type { Limits } from '../limits/limits.ts'
import { type OtherModel, shownOther } from '../models/price-as.ts'
import { requireGroupId } from './groups.ts'
import { requireId } from './keys.ts'
import { exportUsage } from './export-usage.ts'
import { formatQuery, priceAsQuery, rangeQuery, usageQuery } from './usage-query.ts'

/**
 * `GET /admin/keys/{id}/usage?from&to&priceAs`: UTC dates, both included; default the last 31 days. A deleted key's usage stays.
 * With `priceAs`, each sum also has its cost on that model. `remaining` and `renewsAt` are of the limits that the account keeps.
 *
 * @throws GatewayError `invalid_parameter`, `key_not_found`, `usage_unavailable`.
 */
export async function showKeyUsage(c: Context<Gateway>): Promise<Response> {
  const { defaultLimits } = c.get('config')
  return showUsageOf(c, requireId(c), defaultLimits, (id) => ({ kind: 'key_not_found', keyId: id }))
}

/**
 * `GET /admin/groups/{id}/usage?from&to&priceAs`: as of a key. The gateway's default limits are of keys alone.
 *
 * @throws GatewayError `invalid_parameter`, `group_not_found`, `usage_unavailable`.
 */
export async function showGroupUsage(c: Context<Gateway>): Promise<Response> {
  return showUsageOf(c, requireGroupId(c), {}, (id) => ({ kind: 'group_not_found', groupId: id }))
}

async function showUsageOf(
  c: Context<Gateway>,
  id: string,
  defaultLimits: Limits,
  notFound: (id: string) => Failure,
): Promise<Response> {
  const { from, to } = rangeQuery(c.req.query(), 31, Date.now())
  const other = priceAsQuery(c.req.query(), c.get('config').models)
  const answer = await isolateOf(c.env).accounts.usage(id, { fromDate: from, toDate: to, defaultLimits })
  if (answer.kind === 'absent') throw new GatewayError(notFound(id))
  if (answer.kind !== 'usage') throw new GatewayError({ kind: 'usage_unavailable' })
  const { rows, tags, limits, deletedAt } = answer
  // Of limits that isolates decide the account does not know what is left.
  const status = isGroupId(id) || isDecidedByAccount(limits) ? answer.status : {}
  const prices = other?.prices ?? null
  return c.json({
    id,
    ...(deletedAt === null ? {} : { deletedAt }),
    from,
    to,
    ...limitsNow({ ...answer, status }),
    ...pricedAsField(other),
    total: sumSince(rows, from, prices),
    models: shownModels(rows, prices),
    tags: shownTags(tags, prices),
    days: shownDays(rows, from, to, prices),
  })
}

/**
 * A page of the usage of all keys, and the `total` of the range. The query has `from` and `to` (UTC dates, both included,
 * 400 days at most; default the last 7 days), `by` (`day`, `key`, `model`, `group` or `tag`; default `day`), `limit` (1 to 1,000
 * rows, default 400) and the `cursor` that the page before gave as `nextCursor`. By tag, `tag` is one of the names in `USAGE_TAGS`.
 *
 * By day, each date of the range has a row. By group, the total is that of the groups: keys without one are not in it. Usage is
 * up to a minute old. With `priceAs`, each row and the total also have their cost on that model. It is rounded up for each sum, so
 * rows can exceed the total by a micro-dollar each.
 *
 * With `format=csv` the answer is `exportUsage`'s.
 *
 * @throws GatewayError `invalid_parameter`, `usage_unavailable`.
 */
export async function showAllUsage(c: Context<Gateway>): Promise<Response> {
  if (formatQuery(c.req.query()) === 'csv') return exportUsage(c)
  const { usageTags, models } = c.get('config')
  const query = usageQuery(c.req.query(), Date.now(), usageTags)
  const other = priceAsQuery(c.req.query(), models)
  const page = await isolateOf(c.env).accounts.usageOfAll(query)
  if (page.kind === 'unavailable') throw new GatewayError({ kind: 'usage_unavailable' })
  const { from, to, by, tag } = query
  const prices = other?.prices ?? null
  return c.json({
    from,
    to,
    by,
    tag,
    usageTags,
    ...pricedAsField(other),
    data: page.groups.map((group) => shownTotals(group, prices)),
    total: shownTotals(page.total, prices),
    nextCursor: page.nextCursor,
  })
}

function pricedAsField(other: OtherModel | null) {
  return other === null ? {} : { pricedAs: shownOther(other) }
}
