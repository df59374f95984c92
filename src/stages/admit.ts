/** Applies the key's limits: says in headers where the key stands, and refuses with 429. */
import type { MiddlewareHandler } from 'hono'
import type { Api, ModelRequest } from '../apis/api.ts'
import type { Gateway, ModelInput } from '../context.ts'
import { isolateOf } from '../isolate.ts'
import { admit as admitByLimits } from '../limits/admission.ts'
import { estimatePromptTokens } from '../limits/forecast.ts'
import { limitError, limitHeaders, spentError } from '../limits/limit-answer.ts'

const clock = (): number => Date.now()

/** @throws GatewayError `rate_limited`, `budget_spent`, `budget_unavailable`. */
export function admit<Request extends ModelRequest>(
  api: Api<Request>,
): MiddlewareHandler<Gateway, string, ModelInput<Request>> {
  return async function admit(c, next) {
    const request = c.req.valid('json')
    let promptTokens: number | undefined
    const toAdmit = {
      keyId: c.get('key').id,
      limits: c.get('limits'),
      prices: c.get('model').prices,
      promptTokens: () => (promptTokens ??= estimatePromptTokens(api.measurePrompt(request))),
      tokenCap: api.tokenCapOf(request),
      choices: api.choicesOf(request),
    }
    const waitUntil = c.executionCtx.waitUntil.bind(c.executionCtx)
    const admission = await admitByLimits(toAdmit, isolateOf(c.env), clock, waitUntil)
    if ('isSpent' in admission.decision) throw spentError(admission.decision)
    Object.assign(c.get('responseHeaders'), limitHeaders(admission.decision))
    if (!('settle' in admission)) throw limitError(admission.decision)
    c.set('settle', admission.settle)
    await next()
    // A stage that threw has ended the request, whether its error was foreseen or not.
    if (c.error !== undefined) admission.settle({ usage: null, failed: true })
  }
}
