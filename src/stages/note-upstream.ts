/** Notes how calls of the model end, for `GET /admin/health`. */
import type { MiddlewareHandler } from 'hono'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { raiseNoCredit } from './raise-alert.ts'

/** It stands before `complete`. A client that leaves before the model has begun to answer says nothing of the upstream. */
export function noteUpstream(): MiddlewareHandler<Gateway> {
  return async function noteUpstream(c, next) {
    await next()
    const { upstreamSeen } = isolateOf(c.env)
    const noteFailure = (reason: string): void => {
      upstreamSeen.noteFailure(reason, c.get('log').alert, Date.now())
      raiseNoCredit(c, reason)
    }
    const { error } = c
    if (error !== undefined) {
      if (error instanceof GatewayError && error.failure.kind === 'upstream') noteFailure(error.reason)
      return
    }
    const ended = c.get('ended')
    if (ended === undefined) return upstreamSeen.noteAnswer(Date.now())
    const noteEnd = async (): Promise<void> => {
      const end = await ended
      if (end.outcome === 'upstream_failed') noteFailure(end.diagnosis.reason)
      else if (end.outcome === 'completed' || end.firstOutputAtMs !== null)
        upstreamSeen.noteAnswer(Date.now())
    }
    c.executionCtx.waitUntil(noteEnd())
  }
}
