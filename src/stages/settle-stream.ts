/** Settles a stream when it has ended: by the usage that the meter read, else by AI Gateway's log of the call. */
import type { Context } from 'hono'
import type { Gateway } from '../context.ts'
import type { Meter } from '../streams/meter.ts'
import type { StreamOutcome } from '../streams/relay.ts'
import { sleep } from '../timeout.ts'
import type { UpstreamResult } from '../upstream/call.ts'
import { usageFromLog } from '../upstream/gateway-log.ts'

/** Runs behind the answer, since the log appears some seconds after it. */
export async function settleStream(
  c: Context<Gateway>,
  upstream: Promise<UpstreamResult>,
  { outcome }: StreamOutcome,
  meter: Meter | null,
): Promise<void> {
  const seenTokens = meter?.events ?? 0
  // A client that left pays for its prompt and for what it saw. A stream that failed before its first event costs nothing.
  const isCharged = outcome === 'client_closed' || (outcome === 'upstream_failed' && seenTokens > 0)
  // The log is asked where no meter read the stream, or where a complete answer had no usage.
  const isLogAsked = meter === null || outcome === 'completed'
  c.get('settle')({
    usage: meter?.usage ?? (isLogAsked ? await loggedUsage(c, await upstream) : null),
    failed: outcome === 'upstream_failed',
    seenTokens: isCharged ? seenTokens : undefined,
  })
}

async function loggedUsage(c: Context<Gateway>, result: UpstreamResult) {
  const logId = result.accepted ? result.response.headers.get('cf-aig-log-id') : null
  return logId === null ? null : usageFromLog(c.env.AI, c.get('config').gateway.id, logId, sleep)
}
