/** Renders a decision for the caller: the headers of each limit that is set, and the 429 of a refusal. */
import type { AccountStatus, BudgetStatus, Refusal } from '../accounts/protocol.ts'
import { usdOf } from '../accounts/usage-report.ts'
import { GatewayError, type RateLimitFailure } from '../failure.ts'
import type { LimitStatus } from '../limits/fleet-share.ts'

/**
 * OpenAI's six headers for requests and tokens, and headers of our own for concurrency and money. With a minute's and a day's
 * request limit, OpenAI's headers show the minute's. They show the day's where the day's limit refused.
 */
export function limitHeaders(status: AccountStatus, refusal: Refusal | null = null): Record<string, string> {
  const { requests, requestsPerDay, tokens, concurrentRequests, budget } = status
  const isDaySpent = refusal?.reason === 'requests_per_day'
  return {
    ...headersOfMeasure('requests', isDaySpent ? requestsPerDay : (requests ?? requestsPerDay)),
    ...headersOfMeasure('tokens', tokens),
    ...(concurrentRequests && {
      'x-gateway-limit-concurrent-requests': `${concurrentRequests.limit}`,
      'x-gateway-remaining-concurrent-requests': `${concurrentRequests.remaining}`,
    }),
    ...(budget && {
      'x-gateway-limit-budget-usd': `${usdOf(budget.limitMicroUsd)}`,
      'x-gateway-remaining-budget-usd': `${usdOf(budget.leftMicroUsd)}`,
    }),
  }
}

function headersOfMeasure(
  measure: 'requests' | 'tokens',
  status: LimitStatus | undefined,
): Record<string, string> {
  if (status === undefined) return {}
  const limit = `${status.limit}`
  const remaining = `${status.remaining}`
  const reset = duration(status.resetMs)
  // Names that are written out are fields of one shape. V8 would have to look up a name that is put together.
  return measure === 'requests'
    ? {
        'x-ratelimit-limit-requests': limit,
        'x-ratelimit-remaining-requests': remaining,
        'x-ratelimit-reset-requests': reset,
      }
    : {
        'x-ratelimit-limit-tokens': limit,
        'x-ratelimit-remaining-tokens': remaining,
        'x-ratelimit-reset-tokens': reset,
      }
}

/** The 429 of a refusal. The log's reason is `limit_` and the limit's name, with `group_` before it for a limit of the group. */
export function limitError(refusal: Refusal, status: AccountStatus): GatewayError {
  const reason = `${refusal.of === 'group' ? 'group_' : ''}limit_${refusal.reason}`
  if (refusal.reason === 'budget_spent') {
    const message = spentMessage(status.budget, ownerOf(refusal))
    return new GatewayError({ kind: 'budget_spent', message }, reason)
  }
  const failure: RateLimitFailure = {
    kind: 'rate_limited',
    measure: refusal.reason.startsWith('tokens') ? 'tokens' : 'requests',
    message: messageOf(refusal, status),
    retryAfterMs: refusal.retryAfterMs,
  }
  return new GatewayError(failure, reason)
}

function messageOf(refusal: Refusal, { requestsPerDay, budget }: AccountStatus): string {
  const { reason, limit, used } = refusal
  const owner = ownerOf(refusal)
  const reached = (unit: string, waitMs: number): string =>
    `Rate limit reached for ${owner}: Limit ${limit} ${unit}, Used ${used}. Please try again in ${duration(waitMs)}.`
  const waitMs = refusal.retryAfterMs ?? 0
  switch (reason) {
    case 'requests':
      return reached('requests per minute', waitMs)
    case 'tokens':
      return reached('tokens per minute', waitMs)
    case 'requests_per_day':
      return reached('requests per day', requestsPerDay?.resetMs ?? waitMs)
    case 'concurrent_requests':
      return reached('concurrent requests', waitMs)
    case 'tokens_too_large':
      return `Request too large for ${owner}: Limit ${limit} tokens per minute, Requested ${used}. Shorten the input or lower the maximum of output tokens; waiting does not help.`
    case 'budget_under_way':
    case 'budget_spent': {
      const fitting = refusal.fitting ?? 1
      const fits = fitting === 1 ? 'Only 1 request' : `${fitting} requests`
      return `The budget of ${owner} cannot cover this request beside those under way: ${usdOf(budget?.leftMicroUsd ?? 0)} USD are left of ${usdOf(limit)} USD. ${fits} like this one can run at once. Lower the maximum of output tokens to let more run at once, or try again in ${duration(waitMs)}.`
    }
  }
}

function spentMessage(budget: BudgetStatus | undefined, owner: string): string {
  const { limitMicroUsd = 0, period = 'total', renewsAtMs = null } = budget ?? {}
  const when =
    renewsAtMs === null ? 'does not start anew' : `starts anew at ${new Date(renewsAtMs).toISOString()}`
  const span = period === 'total' ? 'in total' : `a ${period}`
  return `The budget of ${owner} is spent: ${usdOf(limitMicroUsd)} USD ${span}. It ${when}. Ask the operator of this gateway.`
}

function ownerOf({ of }: Refusal): string {
  return of === 'group' ? "this key's group" : 'this key'
}

/** Formats a duration as OpenAI does: `12ms`, `1.5s`, `6m0s`, `1h2m3s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`
  if (ms < 60_000) return `${Math.ceil(ms) / 1000}s`
  const seconds = Math.ceil(ms / 1000)
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  return `${hours > 0 ? `${hours}h` : ''}${minutes}m${seconds % 60}s`
}
