/** Tells a key's holder what it may use, what is left of it, and what it took. */
import type { Context } from 'hono'
import type { Gateway } from '../context.ts'
import { periodStart } from '../limits/budget.ts'
import { DAY_MS } from '../limits/day-count.ts'
import { memoryOf } from '../isolate.ts'
import { orUnavailable } from '../records/reach.ts'
import { rowsOf, shown, sumSince } from '../records/usage-report.ts'
import { dateOf } from '../records/usage-totals.ts'

/** Days that `GET /v1/usage` shows, today included: no month is longer. */
export const DAYS_SHOWN = 31

/** `GET /v1/usage`. @throws GatewayError `usage_unavailable`. */
export async function showUsage(c: Context<Gateway>): Promise<Response> {
  const { id, limits: own } = c.get('key')
  const limits = { ...c.get('config').defaultLimits, ...own }
  const { limiter, ledger } = memoryOf(c.env.KV)
  const nowMs = Date.now()
  const today = dateOf(nowMs)
  const shownFrom = dateOf(nowMs - (DAYS_SHOWN - 1) * DAY_MS)
  const budgetFrom = periodStart(limits.budget?.period ?? 'day', nowMs)
  const fromDate = budgetFrom < shownFrom ? budgetFrom : shownFrom
  const days = (await orUnavailable(ledger.look(id, fromDate, today), 'usage_unavailable')).days()
  const { requests, requestsPerDay, tokens } = limiter.peek(id, limits, nowMs)
  const leftMicroUsd = (limits.budget?.usd ?? 0) * 1e6 - sumSince(days, budgetFrom).costMicroUsd
  c.header('cache-control', 'no-store')
  return c.json({
    limits,
    remaining: {
      requestsPerMinute: requests?.remaining,
      requestsPerDay: requestsPerDay?.remaining,
      tokensPerMinute: tokens?.remaining,
      budgetUsd: limits.budget && Math.max(0, Math.round(leftMicroUsd)) / 1e6,
    },
    today: shown(sumSince(days, today)),
    month: shown(sumSince(days, periodStart('month', nowMs))),
    days: rowsOf(days, id, shownFrom, today),
  })
}
