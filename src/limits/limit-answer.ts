/** Renders a decision for the caller: OpenAI's six rate-limit headers, and the 429 of a refusal. */
import { GatewayError, type RateLimitFailure } from '../failure.ts'
import type { Spent } from './budget.ts'
import type { Decision, LimitState, Refused, TooLarge } from './decision.ts'
import type { LimitStatus } from './fleet-share.ts'

/** OpenAI's headers for the limits that are set. */
export function limitHeaders(decision: Decision): Record<string, string> {
  const { requests, tokens }: LimitState = decision.state
  return { ...headersOfMeasure('requests', requests), ...headersOfMeasure('tokens', tokens) }
}

function headersOfMeasure(
  measure: 'requests' | 'tokens',
  status: LimitStatus | undefined,
): Record<string, string> {
  if (status === undefined) return {}
  return {
    [`x-ratelimit-limit-${measure}`]: `${status.limit}`,
    [`x-ratelimit-remaining-${measure}`]: `${status.remaining}`,
    [`x-ratelimit-reset-${measure}`]: duration(status.resetMs),
  }
}

const UNITS: Record<Refused['reason'], string> = {
  requests: 'requests per minute',
  tokens: 'tokens per minute',
}

/** The 429 of a limit. The log's reason is `limit_` and the limit's name. */
export function limitError(decision: Refused | TooLarge): GatewayError {
  return new GatewayError(limitFailure(decision), `limit_${decision.reason}`)
}

function limitFailure(decision: Refused | TooLarge): RateLimitFailure {
  const { reason, limit } = decision
  if (reason === 'tokens_too_large') {
    const message = `Request too large for this key: Limit ${limit} tokens per minute, Requested ${decision.requestedTokens}. Shorten the input or lower the maximum of output tokens; waiting does not help.`
    return { kind: 'rate_limited', measure: 'tokens', message, retryAfterMs: null }
  }
  const { used, retryAfterMs } = decision
  const message = `Rate limit reached for this key: Limit ${limit} ${UNITS[reason]}, Used ${used}. Please try again in ${duration(retryAfterMs)}.`
  return { kind: 'rate_limited', measure: reason, message, retryAfterMs }
}

/** The 429 of a spent budget. */
export function spentError({ budget: { usd, period }, renewsAtMs }: Spent): GatewayError {
  const when =
    renewsAtMs === null ? 'does not start anew' : `starts anew at ${new Date(renewsAtMs).toISOString()}`
  const span = period === 'total' ? 'in total' : `a ${period}`
  const message = `The budget of this key is spent: ${usd} USD ${span}. It ${when}. Ask the operator of this gateway.`
  return new GatewayError({ kind: 'budget_spent', message })
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
