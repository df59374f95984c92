/** Applies the key's limits: decides from memory, says in headers where the key stands, and refuses with 429. */
import type { MiddlewareHandler } from 'hono'
import type { Ending, Gateway, ModelInput } from '../context.ts'
import { GatewayError, type RateLimitFailure } from '../failure.ts'
import type { Spent } from '../limits/budget.ts'
import type { Decision, LimitState, Refused, TooLarge } from '../limits/decision.ts'
import type { Standing } from '../limits/fleet-share.ts'
import { choicesOf, estimatePromptTokens } from '../limits/forecast.ts'
import { memoryOf } from '../isolate.ts'
import { costOf } from '../models.ts'
import { orUnavailable } from '../records/reach.ts'
import type { Usage } from '../wire/usage.ts'

/** @throws GatewayError `rate_limited`, `budget_spent`, `budget_unavailable`. */
export function limit(now: () => number = () => Date.now()): MiddlewareHandler<Gateway, string, ModelInput> {
  return async function limit(c, next) {
    const { id: keyId, limits: own } = c.get('key')
    const limits = { ...c.get('config').defaultLimits, ...own }
    const { budget } = limits
    const request = c.req.valid('json')
    const { prices } = c.get('model')
    const { limiter, forecast, ledger, budgets } = memoryOf(c.env.KV)
    const waitUntil = c.executionCtx.waitUntil.bind(c.executionCtx)

    // Only where something depends on it: to measure a long prompt takes time.
    let promptTokens: number | undefined
    const expect = (completionTokens: number): Usage => {
      promptTokens ??= estimatePromptTokens(request)
      return { promptTokens, cachedTokens: 0, completionTokens, reasoningTokens: 0 }
    }
    const isMeasured = limits.tokensPerMinute !== undefined || budget !== undefined
    const expected = isMeasured ? expect(forecast.reserve(keyId, request)) : NO_TOKENS

    const estimateMicroUsd = costOf(expected, prices)
    const spending =
      budget &&
      (await orUnavailable(
        budgets.check(keyId, budget, estimateMicroUsd, now(), waitUntil),
        'budget_unavailable',
      ))
    if (spending?.isSpent) throw spentError(spending)
    const decision = limiter.check(
      keyId,
      limits,
      { requests: 1, tokens: tokensOf(expected) },
      now(),
      waitUntil,
    )
    Object.assign(c.get('answerHeaders'), headersOf(decision))
    if (!decision.admitted) {
      spending?.settle(0)
      throw new GatewayError(failureOf(decision), `limit_${decision.reason}`)
    }

    let isSettled = false
    const settle = ({ usage, failed, seenTokens }: Ending): void => {
      if (isSettled) return
      isSettled = true
      if (usage !== null) forecast.learn(keyId, usage.completionTokens, choicesOf(request))
      const taken = usage ?? (seenTokens === undefined ? null : expect(seenTokens))
      const costMicroUsd = taken === null ? 0 : costOf(taken, prices)
      limiter.settle(decision.reservation, taken === null ? expected.promptTokens : tokensOf(taken), now())
      spending?.settle(costMicroUsd)
      const unmetered = taken === null && !failed ? 1 : 0
      const entry = { ...taken, requests: 1, failures: failed ? 1 : 0, costMicroUsd, unmetered }
      ledger.add(keyId, entry, now(), waitUntil)
    }
    c.set('settle', settle)
    c.set('needsUsage', isMeasured)
    await next()
    // What threw has ended, whether anybody foresaw it or not.
    if (c.error !== undefined) settle({ usage: null, failed: true })
  }
}

const NO_TOKENS: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }

function tokensOf({ promptTokens, completionTokens }: Usage): number {
  return promptTokens + completionTokens
}

function spentError({ budget: { usd, period }, renewsAtMs }: Spent): GatewayError {
  const when =
    renewsAtMs === null ? 'does not start anew' : `starts anew at ${new Date(renewsAtMs).toISOString()}`
  const span = period === 'total' ? 'in total' : `a ${period}`
  const message = `The budget of this key is spent: ${usd} USD ${span}. It ${when}. Ask the operator of this gateway.`
  return new GatewayError({ kind: 'budget_spent', message })
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
    const message = `Request too large for this key: Limit ${limit} tokens per minute, Requested ${decision.requestedTokens}. Shorten the input or lower the maximum of output tokens; waiting does not help.`
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
