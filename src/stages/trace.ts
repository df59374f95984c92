/**
 * First and last stage: gives the request its id and its configuration, and writes one log line when it has been
 * answered, a stream to its end.
 */
import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { Gateway } from '../context.ts'
import { configOf } from '../isolate.ts'
import { log } from '../log.ts'

export function trace(): MiddlewareHandler<Gateway> {
  return async function trace(c, next) {
    const startedMs = Date.now()
    const requestId = createRequestId()
    c.set('requestId', requestId)
    // A browser must not guess that an answer with a caller's own words in it is a page.
    c.set('responseHeaders', { 'x-request-id': requestId, 'x-content-type-options': 'nosniff' })
    c.set('clientSignal', c.req.raw.signal)
    c.set('log', {})
    await next()
    for (const [name, value] of Object.entries(c.get('responseHeaders'))) c.res.headers.set(name, value)
    const finish = (): void => {
      log({
        event: 'request',
        requestId,
        method: c.req.method,
        route: routePath(c, -1),
        status: c.res.status,
        durationMs: Date.now() - startedMs,
        ...c.get('log'),
      })
    }
    const ended = c.get('ended')
    if (ended === undefined) finish()
    else c.executionCtx.waitUntil(ended.then(finish))
  }
}

/** Reads the configuration; a stage of its own, so that a bad var is answered and logged like any other failure. */
export function configure(): MiddlewareHandler<Gateway> {
  return async function configure(c, next) {
    c.set('config', configOf(c.env))
    await next()
  }
}

/**
 * Joined, and not concatenated: that makes one flat string. It goes into the call of the model, and V8 leaves the fast path
 * of `JSON.stringify` for the whole of a body, 1 ms a MB, where one string in it is a concatenation.
 */
function createRequestId(): string {
  return ['req_', crypto.randomUUID().replaceAll('-', '')].join('')
}
