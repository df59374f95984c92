/** Tells a key's holder what it may use, what is left of it and when it renews, and what it took. */
import type { Context } from 'hono'
import { isDecidedByAccount } from '../accounts/admit-request.ts'
import { type HolderUsage, holderUsage, shownFrom } from '../accounts/holder-usage.ts'
import type { AccountStatus } from '../accounts/protocol.ts'
import { dateOf } from '../calendar.ts'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'

/**
 * `GET /v1/usage`. The answer is up to 10 s old.
 *
 * @throws GatewayError `usage_unavailable`, `rate_limited` above 60 questions a minute.
 */
export async function showUsage(c: Context<Gateway>): Promise<Response> {
  const keyId = c.get('key').id
  const { usageMemory } = isolateOf(c.env)
  const nowMs = Date.now()
  throttleUsage(c, nowMs)
  const known = usageMemory.get(keyId, nowMs)
  const answer = known ?? (await readUsage(c, nowMs))
  if (known === null) usageMemory.set(keyId, answer, nowMs)
  c.header('cache-control', 'no-store')
  return c.json(answer)
}

/** @throws GatewayError `rate_limited` above 60 questions a minute for a key's usage. */
export function throttleUsage(c: Context<Gateway>, nowMs: number): void {
  const retryAfterMs = isolateOf(c.env).usageMemory.count(c.get('key').id, nowMs)
  if (retryAfterMs === 0) return
  const message = 'Too many requests for the usage of this key. Please try again in a minute.'
  throw new GatewayError({ kind: 'rate_limited', measure: 'requests', message, retryAfterMs }, 'usage_rate')
}

async function readUsage(c: Context<Gateway>, nowMs: number): Promise<HolderUsage> {
  const { id, group } = c.get('key')
  const { accounts } = isolateOf(c.env)
  const { defaultLimits } = c.get('config')
  const [fromDate, toDate] = [shownFrom(nowMs), dateOf(nowMs)]
  const [ofKey, ofGroup] = await Promise.all([
    accounts.usage(id, { fromDate, toDate, defaultLimits }),
    group === undefined ? null : accounts.usage(group, { fromDate: toDate, toDate, defaultLimits: {} }),
  ])
  if (ofKey.kind !== 'usage' || ofGroup?.kind === 'unavailable') {
    throw new GatewayError({ kind: 'usage_unavailable' })
  }
  const isGroupThere = ofGroup?.kind === 'usage' && ofGroup.deletedAt === null
  return holderUsage(ofKey, statusHere(c, nowMs), isGroupThere ? ofGroup : null)
}

/** Where the isolate decides, it alone knows the minute's counts. */
function statusHere(c: Context<Gateway>, nowMs: number): AccountStatus {
  const limits = c.get('limits')
  return isDecidedByAccount(limits) ? {} : isolateOf(c.env).limiter.peek(c.get('key').id, limits, nowMs)
}
