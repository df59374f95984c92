/**
 * The first and last stage: it gives the request its id and its configuration, and writes one log line when the request has
 * been answered. For a stream that is its end.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { Gateway } from '../context.ts'
import { configOf } from '../isolate.ts'
import { log } from '../log.ts'
import { createRequestId } from '../request-id.ts'

export function trace(): MiddlewareHandler<Gateway> {
  return async function trace(c, next) {
    const startedMs = Date.now()
    const requestId = createRequestId()
    c.set('requestId', requestId)
    // A browser must not take an answer with a caller's own words in it for a page.
    c.set('responseHeaders', { 'x-request-id': requestId, 'x-content-type-options': 'nosniff' })
    c.set('clientSignal', c.req.raw.signal)
    c.set('log', {})
    await next()
    setHeaders(c)
    const finish = (): void => {
      log({
        event: 'request',
        requestId: c.get('requestId'),
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

/** An answer that has the request's id was made with all headers. */
function setHeaders(c: Context<Gateway>): void {
  const { headers } = c.res
  if (headers.has('x-request-id')) return
  for (const [name, value] of Object.entries(c.get('responseHeaders'))) headers.set(name, value)
}

/** Reads the configuration. It is a stage, so that a bad var is answered and logged like any other failure. */
export function configure(): MiddlewareHandler<Gateway> {
  return function configure(c, next) {
    c.set('config', configOf(c.env))
    return next()
  }
}
