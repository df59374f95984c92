/** A key's limits and state in words. */
import type { Limits } from '../../limits/limits.ts'
import { count, shortCount, usd } from './numbers.ts'

/** The limits that are numbers, in the order of forms and lists. */
export const NUMBER_LIMITS = [
  'requestsPerMinute',
  'requestsPerDay',
  'tokensPerMinute',
  'concurrentRequests',
  'completionTokensPerRequest',
] as const satisfies readonly (keyof Limits)[]
export type NumberLimit = (typeof NUMBER_LIMITS)[number]

/** Those that a group can have too. */
export const GROUP_LIMITS = NUMBER_LIMITS.filter((limit) => limit !== 'completionTokensPerRequest')

export const LIMIT_NAMES: Readonly<Record<NumberLimit, string>> = {
  requestsPerMinute: 'Requests a minute',
  requestsPerDay: 'Requests a day',
  tokensPerMinute: 'Tokens a minute',
  concurrentRequests: 'Requests at one time',
  completionTokensPerRequest: 'Completion tokens a request',
}

const PERIOD_NAMES = { day: 'a day', month: 'a month', total: 'in total' } as const

/** `20.00 USD a month` */
export function budgetText({ usd: dollars, period }: NonNullable<Limits['budget']>): string {
  return `${usd(dollars)} ${PERIOD_NAMES[period]}`
}

/** Each limit that is set, with its name. */
export function limitRows(limits: Limits): [name: string, value: string][] {
  const rows: [string, string][] = []
  if (limits.budget !== undefined) rows.push(['Budget', budgetText(limits.budget)])
  for (const name of NUMBER_LIMITS) {
    const limit = limits[name]
    if (limit !== undefined) rows.push([LIMIT_NAMES[name], count(limit)])
  }
  if (limits.mode !== undefined) rows.push(['Mode', limits.mode])
  return rows
}

/** One short line for a table that has the budget elsewhere. `none` stands for no limit. */
export function limitsLine(limits: Limits, none: string): string {
  const parts = [
    ...(limits.requestsPerMinute === undefined ? [] : [`${shortCount(limits.requestsPerMinute)} req/min`]),
    ...(limits.requestsPerDay === undefined ? [] : [`${shortCount(limits.requestsPerDay)} req/day`]),
    ...(limits.tokensPerMinute === undefined ? [] : [`${shortCount(limits.tokensPerMinute)} tok/min`]),
    ...(limits.concurrentRequests === undefined ? [] : [`${shortCount(limits.concurrentRequests)} at once`]),
  ]
  return parts.length === 0 ? none : parts.join(' · ')
}

export type KeyState = 'active' | 'disabled' | 'expired' | 'deleted'

/** A disabled key that has also expired is disabled, as in the API. */
export function stateOf(
  key: { disabled: boolean; expiresAt: string | null; deletedAt?: string | undefined },
  nowMs: number,
): KeyState {
  if (key.deletedAt !== undefined) return 'deleted'
  if (key.disabled) return 'disabled'
  return key.expiresAt !== null && Date.parse(key.expiresAt) <= nowMs ? 'expired' : 'active'
}
