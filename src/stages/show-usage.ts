/** Tells a key's holder what it may use, what is left of it, and what it took. */
import type { Context } from 'hono'
import { dateOf, DAY_MS, periodStartDate } from '../calendar.ts'
import type { Gateway } from '../context.ts'
import { isolateOf } from '../isolate.ts'
import { orServiceUnavailable } from '../keys/service-unavailable.ts'
import { rowsOf, shown, sumSince } from '../records/usage-report.ts'

/** Days that `GET /v1/usage` shows, today included: no month is longer. */
export const DAYS_SHOWN = 31

/** `GET /v1/usage`. @throws GatewayError `usage_unavailable`. */
export async function showUsage(c: Context<Gateway>): Promise<Response> {
  const { id } = c.get('key')
  const limits = c.get('limits')
  const { limiter, ledger } = isolateOf(c.env)
  const nowMs = Date.now()
  const today = dateOf(nowMs)
  const shownFrom = dateOf(nowMs - (DAYS_SHOWN - 1) * DAY_MS)
  const budgetFrom = periodStartDate(limits.budget?.period ?? 'day', nowMs)
  const fromDate = budgetFrom < shownFrom ? budgetFrom : shownFrom
  const view = await orServiceUnavailable(ledger.look(id, fromDate, today), 'usage_unavailable')
  const days = view.days()
  const { requests, tokens } = await limiter.peek(id, limits, nowMs)
  const leftMicroUsd = (limits.budget?.usd ?? 0) * 1e6 - sumSince(days, budgetFrom).costMicroUsd
  c.header('cache-control', 'no-store')
  return c.json({
    limits,
    remaining: {
      requestsPerMinute: requests?.remaining,
      tokensPerMinute: tokens?.remaining,
      budgetUsd: limits.budget && Math.max(0, Math.round(leftMicroUsd)) / 1e6,
    },
    today: shown(sumSince(days, today)),
    month: shown(sumSince(days, periodStartDate('month', nowMs))),
    days: rowsOf(days, id, shownFrom, today),
  })
}
