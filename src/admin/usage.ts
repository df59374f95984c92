/** The operator's routes for usage: of one key, and of all by day. */
import type { Context } from 'hono'
import { dateOf, datesBetween, DAY_MS } from '../calendar.ts'
import type { Gateway } from '../context.ts'
import { isolateOf } from '../isolate.ts'
import { rowsOf, shown, sumSince } from '../records/usage-report.ts'
import { sumOf } from '../records/usage-totals.ts'
import { KEY_ID_FORM } from '../keys/secret.ts'
import { orServiceUnavailable } from '../keys/service-unavailable.ts'
import { invalidQuery } from './invalid-query.ts'
import { requireKey } from './keys.ts'
import { RANGE_DAYS_MAX } from './requests.ts'

/**
 * `GET /admin/keys/{id}/usage?from&to`: UTC dates, both included; default the last 31 days. A deleted key's usage stays.
 *
 * @throws GatewayError `key_not_found` for a key that neither is nor has usage, `usage_unavailable`.
 */
export async function showKeyUsage(c: Context<Gateway>): Promise<Response> {
  const range = rangeOf(c, 31)
  const id = c.req.param('id') ?? ''
  const days = (await look(c, KEY_ID_FORM.test(id) ? id : '-', range)).days()
  if (days.size === 0) await requireKey(c)
  const { from, to } = range
  return c.json({ id, from, to, total: shown(sumSince(days, from)), days: rowsOf(days, id, from, to) })
}

/**
 * `GET /admin/usage?from&to`: each day's sum and what each key took of it; default the last 7 days. `isComplete` is false
 * where the ledger holds more than one answer can read (`LIST_PAGES_MAX`): then ask key by key.
 *
 * @throws GatewayError `usage_unavailable`.
 */
export async function showAllUsage(c: Context<Gateway>): Promise<Response> {
  const { from, to } = rangeOf(c, 7)
  const view = await look(c, '', { from, to })
  const taken = [...view.days()].toSorted(([one], [other]) => (one < other ? -1 : 1))
  const days = datesBetween(from, to).map((date) => {
    const keys = taken.filter(([day]) => day.endsWith(date))
    return {
      date,
      ...shown(sumOf(keys.map(([, totals]) => totals))),
      keys: keys.map(([day, totals]) => ({ id: day.slice(0, -11), ...shown(totals) })),
    }
  })
  return c.json({ from, to, isComplete: view.isComplete, days })
}

interface Range {
  from: string
  to: string
}

function look(c: Context<Gateway>, keyId: string, { from, to }: Range) {
  return orServiceUnavailable(isolateOf(c.env).ledger.look(keyId, from, to), 'usage_unavailable')
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
