/** Shows a key's holder its last requests, refused ones too. */
import type { Context } from 'hono'
import { shownRecord } from '../accounts/request-report.ts'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { throttleUsage } from './show-usage.ts'

/**
 * `GET /v1/usage/requests`: the last 200, the newest first. A request is there a second after its end, and a refused one
 * later in a flood of refusals: up to 5 minutes.
 *
 * @throws GatewayError `usage_unavailable`, `rate_limited` above 60 questions a minute for a key's usage.
 */
export async function showRequests(c: Context<Gateway>): Promise<Response> {
  throttleUsage(c, Date.now())
  const answer = await isolateOf(c.env).accounts.requests(c.get('key').id)
  if (answer.kind !== 'requests') throw new GatewayError({ kind: 'usage_unavailable' })
  c.header('cache-control', 'no-store')
  return c.json({ data: answer.requests.map(({ record, row }) => shownRecord(record, row)) })
}
