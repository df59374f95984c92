/** Every failure ends here: any thrown error becomes a failure of the union, and so OpenAI's envelope. */
import type { Context, Hono } from 'hono'
import type { Settle } from '../accounts/request-to-admit.ts'
import type { Refusal } from '../accounts/protocol.ts'
import type { RefusedRecord } from '../accounts/request-record.ts'
import { HTTPException } from 'hono/http-exception'
import { METHOD_NAME_ALL } from 'hono/router'
import type { Gateway } from '../context.ts'
import { renderFailure } from '../render-failure.ts'
import { type Failure, GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import type { ApiKeyView } from '../keys/api-key.ts'
import { causeOf } from '../log.ts'

/** For `app.onError`. An unforeseen error is a 500 without detail; the log has its name and message. */
export async function fail(error: Error, c: Context<Gateway>): Promise<Response> {
  const { failure, reason } = await failureOf(error, c)
  c.get('log').reason = reason
  const { status, headers, body } = renderFailure(failure)
  reportRefusal(c, status, body.error.code)
  return Response.json(body, { status, headers })
}

/**
 * For `app.notFound`. A path of the route table that has no such method is a 405, and `Allow` names the methods that the
 * table has for it. Any other path is a 404.
 */
export function failUnmatched(app: Hono<Gateway>) {
  return function failUnmatched(c: Context<Gateway>): never {
    const { method, path } = c.req
    const allow = allowedMethods(app, path).join(', ')
    if (allow !== '') throw new GatewayError({ kind: 'method_not_allowed', method, path, allow })
    throw new GatewayError({ kind: 'unknown_url', method, path, underV1: UNVERSIONED.has(path) })
  }
}

/** The methods that the route table has for a path, in its order. Middleware is for all methods, and does not count. */
function allowedMethods({ router, routes }: Hono<Gateway>, path: string): string[] {
  const methods = new Set(routes.map(({ method }) => method))
  const matched = new Set<unknown>()
  for (const method of methods) for (const [[, route]] of router.match(method, path)[0]) matched.add(route)
  const allowed = routes.filter((route) => route.method !== METHOD_NAME_ALL && matched.has(route))
  return [...new Set(allowed.map(({ method }) => method))]
}

/**
 * Tells the key's account of a request that was not sent to the model. One that was sent is settled. A refusal by the group's
 * limits is told to the group's account too.
 */
function reportRefusal(c: Context<Gateway>, status: number, code: string | null): void {
  const key: ApiKeyView | undefined = c.get('key')
  const settle: Settle | undefined = c.get('settle')
  if (key === undefined || settle !== undefined || c.req.method !== 'POST') return
  const refusal = c.get('refusal')
  const limit = refusal === undefined ? null : limitOf(refusal)
  const nowMs = Date.now()
  const record = { kind: 'refused', requestId: c.get('requestId'), atMs: nowMs, status, code, limit } as const
  const waitUntil = c.executionCtx.waitUntil.bind(c.executionCtx)
  const { accountClient } = isolateOf(c.env)
  accountClient.reportRefusal(key.id, record, nowMs, waitUntil)
  if (refusal?.of === 'group' && key.group !== undefined) {
    accountClient.reportRefusal(key.group, record, nowMs, waitUntil)
  }
}

function limitOf({ reason, limit, used, of }: Refusal): RefusedRecord['limit'] {
  return { name: reason, limit, used, ...(of === 'group' && { of }) }
}

/** Answers a request for a stored response. */
export function failNotStored(c: Context<Gateway>): never {
  throw new GatewayError({ kind: 'response_not_found', responseId: c.req.param('id') ?? '' })
}

/** Paths that callers reach when their base URL lacks `/v1`. */
const UNVERSIONED = new Set(['/chat/completions', '/models', '/responses'])

async function failureOf(error: Error, c: Context<Gateway>): Promise<{ failure: Failure; reason: string }> {
  if (error instanceof GatewayError) return { failure: error.failure, reason: error.reason }
  if (error instanceof HTTPException && error.status === 400) {
    // Only Hono's validator throws it, and only for a body that is not JSON.
    const empty = (await c.req.text()).trim() === ''
    return { failure: { kind: 'invalid_json', empty }, reason: 'invalid_json' }
  }
  return { failure: { kind: 'internal' }, reason: `internal: ${causeOf(error)}` }
}
