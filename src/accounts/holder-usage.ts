/** The answer to a key's holder: what the key may use, what is left of it and when it renews, and what it took. Pure. */
import { dateOf, DAY_MS, periodStartDate } from '../calendar.ts'
import type { AccountStatus } from './protocol.ts'
import type { KeyUsage } from './usage-protocol.ts'
import { shownDays, shownModels, shownTags, sumSince, usdOf } from './usage-report.ts'

/** Days that the answer shows, today included: no month is longer. */
export const DAYS_SHOWN = 31

/** The first date that is shown. */
export function shownFrom(nowMs: number): string {
  return dateOf(nowMs - (DAYS_SHOWN - 1) * DAY_MS)
}

export type HolderUsage = ReturnType<typeof holderUsage>

/**
 * `ofIsolate` stands above the account's status: where the isolate decides, it alone knows the minute's counts. `ofGroup` is
 * `null` for a key without a group.
 */
export function holderUsage(usage: KeyUsage, ofIsolate: AccountStatus, ofGroup: KeyUsage | null) {
  const { atMs, rows, tags } = usage
  const today = dateOf(atMs)
  return {
    ...limitsNow({ ...usage, status: { ...usage.status, ...ofIsolate } }),
    group: ofGroup === null ? undefined : groupNow(ofGroup),
    today: sumSince(rows, today),
    month: sumSince(rows, periodStartDate('month', atMs)),
    models: shownModels(rows),
    tags: shownTags(tags),
    days: shownDays(rows, shownFrom(atMs), today),
  }
}

/** The limits that all keys of a group share, and what is left of them. It names no key, and no key's part. */
function groupNow(usage: KeyUsage) {
  const { limits, remaining, renewsAt } = limitsNow(usage)
  return { name: usage.name, limits, remaining, renewsAt }
}

/** The limits of a key, what is left of each, and when it renews. */
export function limitsNow({ atMs, limits, status }: Pick<KeyUsage, 'atMs' | 'limits' | 'status'>) {
  const { requests, requestsPerDay, tokens, concurrentRequests, budget } = status
  const timeAfter = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : timeOf(atMs + ms)
  return {
    asOf: timeOf(atMs),
    limits,
    remaining: {
      requestsPerMinute: requests?.remaining,
      tokensPerMinute: tokens?.remaining,
      requestsPerDay: requestsPerDay?.remaining,
      concurrentRequests: concurrentRequests?.remaining,
      budgetUsd: budget && usdOf(budget.leftMicroUsd),
    },
    renewsAt: {
      requestsPerMinute: timeAfter(requests?.resetMs),
      tokensPerMinute: timeAfter(tokens?.resetMs),
      requestsPerDay: timeAfter(requestsPerDay?.resetMs),
      budgetUsd: budget && (budget.renewsAtMs === null ? null : timeOf(budget.renewsAtMs)),
    },
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
