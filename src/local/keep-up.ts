/**
 * Keeps `npm run dev` up. Node loads this file before wrangler, by `--import`.
 *
 * Wrangler serves through a proxy. Before 4.130, one request that the proxy cannot pass on ends the whole server with an
 * empty `✘ [ERROR]`. An upload that its client breaks off is enough, and so is a request on an inner connection that was
 * idle for 5 s. See cloudflare/workers-sdk#15317. Later versions print one line and go on, and so does this file.
 *
 * Delete this file when wrangler is updated. The test is `npm run soak:dev -- --bare`.
 */
import { EventEmitter } from 'node:events'

const { emit } = EventEmitter.prototype

EventEmitter.prototype.emit = function emitUnlessRequestLost(
  this: EventEmitter,
  name: string | symbol,
  ...args: unknown[]
): boolean {
  if (name !== 'error' || !isLostRequest(args[0])) return emit.call(this, name, ...args)
  process.stderr.write(`wrangler: a request was lost (${reasonOf(args[0])}); the server stays up\n`)
  return true
}

interface LostRequest {
  source: 'ProxyController'
  reason: 'Error inside ProxyWorker'
  cause?: unknown
}

/** The event with which wrangler's `DevEnv` gives up. All its other errors stay fatal. */
function isLostRequest(event: unknown): event is LostRequest {
  return (
    isRecord(event) && event['source'] === 'ProxyController' && event['reason'] === 'Error inside ProxyWorker'
  )
}

/** Wrangler wraps the error in another one, which has no message. */
function reasonOf({ cause }: LostRequest): string {
  const inner = isRecord(cause) ? cause['cause'] : undefined
  return isRecord(inner) && typeof inner['message'] === 'string' ? inner['message'] : 'no reason given'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
