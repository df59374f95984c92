/** The operator's routes for usage: of one key, and of all by day. */
import type { Context } from 'hono'
import { shownDays, shownModels, sumSince } from '../accounts/usage-report.ts'
import { dateOf, DAY_MS } from '../calendar.ts'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { invalidQuery } from './invalid-query.ts'
import { requireId } from './keys.ts'
import { RANGE_DAYS_MAX } from './requests.ts'

/**
 * `GET /admin/keys/{id}/usage?from&to`: UTC dates, both included; default the last 31 days. A deleted key's usage stays.
 *
 * @throws GatewayError `key_not_found`, `usage_unavailable`.
 */
export async function showKeyUsage(c: Context<Gateway>): Promise<Response> {
  const { from, to } = rangeOf(c, 31)
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

interface Range {
  from: string
  to: string
}

/** @throws GatewayError `invalid_parameter` with the name of the date that is wrong. */
function rangeOf(c: Context<Gateway>, daysDefault: number): Range {
  const to = dateParameter(c, 'to', Date.now())
  const from = dateParameter(c, 'from', Date.parse(to) - (daysDefault - 1) * DAY_MS)
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1
  if (days < 1 || days > RANGE_DAYS_MAX) throw invalidQuery('from', `1 to ${RANGE_DAYS_MAX} days up to 'to'`)
  return { from, to }
}

function dateParameter(c: Context<Gateway>, name: string, defaultMs: number): string {
  const date = c.req.query(name) ?? dateOf(defaultMs)
  const ms = Date.parse(date)
  if (Number.isNaN(ms) || dateOf(ms) !== date) throw invalidQuery(name, 'a date, such as 2027-01-31')
  return date
}
