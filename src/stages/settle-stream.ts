/** Settles a stream when it has ended: by the usage that the meter read, else by what is expected until the log tells. */
import type { Context } from 'hono'
import type { Gateway } from '../context.ts'
import type { Meter } from '../streams/meter.ts'
import type { StreamOutcome } from '../streams/relay.ts'
import { answerFactsOf } from '../upstream/answer-facts.ts'
import type { UpstreamResult } from '../upstream/call.ts'

export function settleStream(
  c: Context<Gateway>,
  result: UpstreamResult,
  { outcome, firstOutputAtMs }: StreamOutcome,
  meter: Meter | null,
): void {
  c.get('settle')({
    model: c.get('target').model,
    usage: meter?.usage ?? null,
    failed: outcome === 'upstream_failed',
    isCharged: result.accepted || outcome === 'client_closed' || result.mayHaveWorked,
    // The first events of a model that still thinks show no output.
    seenTokens: firstOutputAtMs === null ? 0 : (meter?.events ?? 0),
    answer: result.accepted ? answerFactsOf(result.response) : null,
    status: 200,
    reason: outcome === 'client_closed' ? outcome : (c.get('log').reason ?? null),
    firstOutputAtMs,
  })
}
