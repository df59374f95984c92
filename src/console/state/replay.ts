/**
 * A replay of a key's last days under other limits. It goes by the counts of each minute, so it is an estimate: within a minute
 * the order of requests is not known, and each request has the mean tokens and cost of its minute. Pure.
 */
import type { Limits } from '../../limits/limits.ts'

/** A minute of the key, as `GET /admin/keys/{id}/minutes` tells it. */
export interface Minute {
  /** Its beginning, ISO 8601. */
  minute: string
  requests: number
  refused: number
  tokens: number
  costUsd: number
}

/** The limits that can be replayed. How many requests ran at one time is not known by minute. */
export type ReplayedLimits = Pick<
  Limits,
  'requestsPerMinute' | 'tokensPerMinute' | 'requestsPerDay' | 'budget'
>
export type ReplayedLimit = keyof ReplayedLimits

export interface Replay {
  /** Requests that came: those that were admitted and those that were refused. */
  offered: number
  /** Requests that limits refused at the time. */
  refusedThen: number
  /** Requests that these limits would have refused. */
  refused: number
  /** How many of them each limit would have refused, each request counted for the tightest. */
  by: ReadonlyMap<ReplayedLimit, number>
  costUsd: number
}

export function replay(minutes: readonly Minute[], limits: ReplayedLimits): Replay {
  const mean = meanOf(minutes)
  const by = new Map<ReplayedLimit, number>()
  const spentUsd = new Map<string, number>()
  const admittedOnDay = new Map<string, number>()
  const sum = { offered: 0, refusedThen: 0, refused: 0, costUsd: 0 }
  for (const counts of minutes) {
    const offered = counts.requests + counts.refused
    // Requests that were refused then have no tokens and no cost of their own.
    const each = counts.requests === 0 ? mean : meanOf([counts])
    const day = counts.minute.slice(0, 10)
    const period = periodOf(counts.minute, limits.budget)
    const admittedToday = admittedOnDay.get(day) ?? 0
    const spent = spentUsd.get(period) ?? 0
    const room: Record<ReplayedLimit, number> = {
      requestsPerMinute: limits.requestsPerMinute ?? Infinity,
      tokensPerMinute: fitting(limits.tokensPerMinute, each.tokens),
      requestsPerDay: (limits.requestsPerDay ?? Infinity) - admittedToday,
      // The request that spends the last of a budget is admitted.
      budget: Math.ceil(fitting(limits.budget && limits.budget.usd - spent, each.costUsd)),
    }
    const [name, fits] = tightest(room)
    const admitted = Math.min(offered, Math.max(0, Math.floor(fits)))
    if (admitted < offered) by.set(name, (by.get(name) ?? 0) + offered - admitted)
    admittedOnDay.set(day, admittedToday + admitted)
    spentUsd.set(period, spent + admitted * each.costUsd)
    sum.offered += offered
    sum.refusedThen += counts.refused
    sum.refused += offered - admitted
    sum.costUsd += admitted * each.costUsd
  }
  return { ...sum, by }
}

function meanOf(minutes: readonly Minute[]): { tokens: number; costUsd: number } {
  let [requests, tokens, costUsd] = [0, 0, 0]
  for (const counts of minutes) {
    requests += counts.requests
    tokens += counts.tokens
    costUsd += counts.costUsd
  }
  return requests === 0
    ? { tokens: 0, costUsd: 0 }
    : { tokens: tokens / requests, costUsd: costUsd / requests }
}

/** How many requests of a size fit; `Infinity` without a limit. */
function fitting(limit: number | undefined, each: number): number {
  if (limit === undefined) return Infinity
  if (limit <= 0) return 0
  return each === 0 ? Infinity : limit / each
}

function tightest(room: Readonly<Record<ReplayedLimit, number>>): [ReplayedLimit, number] {
  let found: [ReplayedLimit, number] = ['requestsPerMinute', room.requestsPerMinute]
  for (const name of ['tokensPerMinute', 'requestsPerDay', 'budget'] as const)
    if (room[name] < found[1]) found = [name, room[name]]
  return found
}

/** A budget in total is replayed as one over these days. */
function periodOf(minute: string, budget: Limits['budget']): string {
  return minute.slice(0, { day: 10, month: 7, total: 0 }[budget?.period ?? 'total'])
}
