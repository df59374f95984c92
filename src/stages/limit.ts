/** Applies the key's limits: decides from memory, says in headers where the key stands, and refuses with 429. */
import type { MiddlewareHandler } from 'hono'
import type { ChatInput, Gateway } from '../context.ts'
import { GatewayError, type RateLimitFailure } from '../failure.ts'
import type { Decision, LimitState, Refused, TooLarge } from '../limits/decision.ts'
import { createDayExchange, createMinuteExchange } from '../limits/exchange.ts'
import type { Standing } from '../limits/fleet-share.ts'
import { CompletionForecast, estimatePromptTokens } from '../limits/forecast.ts'
import { createLimiter, type FleetShareLimiter } from '../limits/limiter.ts'
import { log } from '../log.ts'
import type { Usage } from '../wire/usage.ts'

/** One limiter for each namespace, and so one an isolate: its memory is what it decides by. */
const limiters = new WeakMap<KVNamespace, FleetShareLimiter>()
const forecast = new CompletionForecast()

/** @throws GatewayError `rate_limited`. */
export function limit(now: () => number = () => Date.now()): MiddlewareHandler<Gateway, string, ChatInput> {
  return async function limit(c, next) {
    const key = c.get('key')
    const limits = { ...c.get('config').defaultLimits, ...key.limits }
    const request = c.req.valid('json')
    const limitsTokens = limits.tokensPerMinute !== undefined
    const promptTokens = limitsTokens ? estimatePromptTokens(request) : 0
    const tokens = limitsTokens ? promptTokens + forecast.reserve(key.id, request) : 0

    const limiter = limiterOf(c.env.KV)
    const waitUntil = c.executionCtx.waitUntil.bind(c.executionCtx)
    const decision = limiter.check(key.id, limits, { requests: 1, tokens }, now(), waitUntil)
    Object.assign(c.get('answerHeaders'), headersOf(decision))
    if (!decision.admitted) throw new GatewayError(failureOf(decision), `limit_${decision.reason}`)

    c.set('settle', (usage: Usage | null) => {
      if (usage !== null) forecast.learn(key.id, usage.completionTokens, request.n ?? 1)
      const taken = usage === null ? promptTokens : usage.promptTokens + usage.completionTokens
      limiter.settle(decision.reservation, taken, now())
    })
    c.set('needsUsage', limitsTokens)
    await next()
  }
}

function limiterOf(kv: KVNamespace): FleetShareLimiter {
  const known = limiters.get(kv)
  if (known !== undefined) return known
  const limiter = createLimiter({
    minutes: createMinuteExchange(kv),
    days: createDayExchange(kv),
    onTrouble({ keyId, operation, failures, reason }) {
      // The first in a row says it all: the pauses that follow are the same trouble.
      if (failures === 1)
        log({ event: 'trouble', what: `limits_${operation}`, keyId, cause: reason.slice(0, 200) })
    },
  })
  limiters.set(kv, limiter)
  return limiter
}

/** OpenAI's six headers, those of the limits that are set. Of two limits of requests the one that refused, or a minute's. */
function headersOf(decision: Decision): Record<string, string> {
  const { requests, requestsPerDay, tokens }: LimitState = decision.state
  const isDaySpent = !decision.admitted && decision.reason === 'requests_per_day'
  return {
    ...headersOfMeasure('requests', isDaySpent ? requestsPerDay : (requests ?? requestsPerDay)),
    ...headersOfMeasure('tokens', tokens),
  }
}

function headersOfMeasure(
  measure: 'requests' | 'tokens',
  standing: Standing | undefined,
): Record<string, string> {
  if (standing === undefined) return {}
  return {
    [`x-ratelimit-limit-${measure}`]: `${standing.limit}`,
    [`x-ratelimit-remaining-${measure}`]: `${standing.remaining}`,
    [`x-ratelimit-reset-${measure}`]: duration(standing.resetMs),
  }
}

const UNITS: Record<Refused['reason'], string> = {
  requests: 'requests per minute',
  tokens: 'tokens per minute',
  requests_per_day: 'requests per day',
}

function failureOf(decision: Refused | TooLarge): RateLimitFailure {
  const { reason, limit } = decision
  if (reason === 'tokens_too_large') {
    const message = `Request too large for this key: Limit ${limit} tokens per minute, Requested ${decision.requestedTokens}. Shorten the messages or lower 'max_completion_tokens'; waiting does not help.`
    return { kind: 'rate_limited', measure: 'tokens', message, retryAfterMs: null }
  }
  const { used, retryAfterMs } = decision
  const message = `Rate limit reached for this key: Limit ${limit} ${UNITS[reason]}, Used ${used}. Please try again in ${duration(retryAfterMs)}.`
  return { kind: 'rate_limited', measure: reason === 'tokens' ? 'tokens' : 'requests', message, retryAfterMs }
}

/** As OpenAI writes durations: `12ms`, `1.5s`, `6m0s`, `1h2m3s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.ceil(milliseconds)}ms`
  if (milliseconds < 60_000) return `${Math.ceil(milliseconds) / 1000}s`
  const seconds = Math.ceil(milliseconds / 1000)
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  return `${hours > 0 ? `${hours}h` : ''}${minutes}m${seconds % 60}s`
}
