/** Applies the limits and budgets of the key and of its group: says in headers where the key stands, and refuses with 429. */
import type { Context, MiddlewareHandler } from 'hono'
import { admit as admitRequest, refuseAny } from '../accounts/admit-request.ts'
import type { AccountStatus, Refusal } from '../accounts/protocol.ts'
import { NO_OUTPUT } from '../accounts/request-end.ts'
import type { Admission, RequestToAdmit } from '../accounts/request-to-admit.ts'
import type { Api, ModelRequest } from '../apis/api.ts'
import { estimatePromptTokens } from '../apis/prompt-tokens.ts'
import type { Gateway, ModelInput } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { refuseSecret } from './authenticate.ts'
import { limitError, limitHeaders } from './limit-answer.ts'

const clock = (): number => Date.now()

/** @throws GatewayError `rate_limited`, `budget_spent`, `budget_unavailable`, `invalid_key`, `group_deleted`, `keys_unavailable`. */
export function admit<Request extends ModelRequest>(
  api: Api<Request>,
): MiddlewareHandler<Gateway, string, ModelInput<Request>> {
  return async function admit(c, next) {
    const request = c.req.valid('json')
    const { gateway, defaultLimits } = c.get('config')
    let promptTokens: number | undefined
    const toAdmit: RequestToAdmit = {
      requestId: c.get('requestId'),
      keyId: c.get('key').id,
      groupId: c.get('key').group,
      secretSha256: c.get('secretSha256'),
      limits: c.get('limits'),
      defaultLimits,
      models: c.get('models'),
      asked: c.get('asked'),
      tags: c.get('tags'),
      promptTokens: () => (promptTokens ??= estimatePromptTokens(api.measurePrompt(request))),
      logGatewayId: gateway.collectLog === false ? null : gateway.id,
    }
    const waitUntil = c.executionCtx.waitUntil.bind(c.executionCtx)
    const deciding = admitRequest(toAdmit, isolateOf(c.env), clock, waitUntil)
    // Most keys are decided at once. An `await` that is not needed would cost every request a turn of the microtask queue.
    const admission = deciding instanceof Promise ? await deciding : deciding
    if (admission.outcome === 'group_gone') return failWithoutGroup(c)
    const { settle, settleAttempt } = take(c, admission)
    c.set('settle', settle)
    c.set('settleAttempt', settleAttempt)
    await next()
    // A stage that threw has ended the request, whether its error was foreseen or not.
    if (c.error !== undefined) {
      const { status } = c.res
      const reason = c.get('log').reason ?? null
      const [model] = c.get('models')
      settle({ ...NO_OUTPUT, model, failed: true, isCharged: false, status, reason })
    }
  }
}

/**
 * Refuses a key that is over its limits before anything of its body is kept: a flood of large bodies must not fill the memory.
 *
 * @throws GatewayError `rate_limited`, `budget_spent`.
 */
export function refuseOverLimits(): MiddlewareHandler<Gateway> {
  return function refuseOverLimits(c, next) {
    const { id: keyId, group: groupId } = c.get('key')
    const key = { keyId, groupId, limits: c.get('limits') }
    const waitUntil = c.executionCtx.waitUntil.bind(c.executionCtx)
    const refused = refuseAny(key, isolateOf(c.env), clock(), waitUntil)
    return refused === null ? next() : failRefused(c, refused.refusal, refused.status)
  }
}

function failRefused(c: Context<Gateway>, refusal: Refusal, status: AccountStatus): never {
  Object.assign(c.get('responseHeaders'), limitHeaders(status, refusal))
  c.set('refusal', refusal)
  throw limitError(refusal, status)
}

/** The settlement of an admitted request. Any other decision fails the request. */
function take(c: Context<Gateway>, admission: Exclude<Admission, { outcome: 'group_gone' }>) {
  switch (admission.outcome) {
    case 'admitted':
      Object.assign(c.get('responseHeaders'), limitHeaders(admission.status))
      return admission
    case 'refused':
      return failRefused(c, admission.refusal, admission.status)
    case 'revoked':
      isolateOf(c.env).keys.remember(c.get('key').id, admission.reading, clock())
      return refuseSecret(c, 'revoked')
    case 'unavailable':
      throw new GatewayError({ kind: 'budget_unavailable' })
  }
}

/** This isolate may have an old copy of a key that was moved before its group was deleted. A retry then finds the new group. */
async function failWithoutGroup(c: Context<Gateway>): Promise<never> {
  const { id, group } = c.get('key')
  const { accounts, keys } = isolateOf(c.env)
  const reading = await accounts.read(id)
  keys.remember(id, reading, clock())
  const isMoved = reading.kind === 'found' && reading.key.group !== group
  throw isMoved
    ? new GatewayError({ kind: 'keys_unavailable' }, 'key_moved')
    : new GatewayError({ kind: 'group_deleted' })
}
