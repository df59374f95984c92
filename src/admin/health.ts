/** The operator's route for health: what works now, how fast, and what to do where it does not. */
import type { Context } from 'hono'
import { accountOf, directoryOf, groupDirectoryOf } from '../accounts/objects.ts'
import type { Gateway } from '../context.ts'
import { isolateOf } from '../isolate.ts'
import { causeOf } from '../log.ts'
import { orTimeoutError } from '../timeout.ts'
import type { UpstreamSeen } from '../upstream/seen.ts'

/** A part that takes longer has failed, ms. */
export const HEALTH_TIMEOUT_MS = 2_000

/** It is no key's id, so this account never has a key, and stores nothing. */
const PROBE_ACCOUNT = 'health'
/** A range without usage: the directory reads no row. */
const NO_DAYS = { from: '0001-01-01', to: '0001-01-01', by: 'model', limit: 1, after: null } as const

interface Part {
  /** `unknown`: this isolate has not called the model yet. */
  state: 'ok' | 'failed' | 'unknown'
  reason?: string
  /** What the operator can do. */
  action?: string
}

/** `ms` is how long the part took to answer. */
type TimedPart = Part & { ms: number }

/**
 * `GET /admin/health`: reads KV, and calls one account and the directories of keys and of groups, each within `HEALTH_TIMEOUT_MS`. Of the upstream it
 * says what this isolate has last seen, since a call costs money. A part that fails is told in a 200.
 */
export async function showHealth(c: Context<Gateway>): Promise<Response> {
  const { env } = c
  const [kv, accounts, directory] = await Promise.all([
    probe(
      // A name that was never read is in no cache of KV.
      async () => env.KV.get(`health:${crypto.randomUUID()}`),
      'Keys are read from their accounts meanwhile. Look at https://www.cloudflarestatus.com and at the limits of your plan.',
    ),
    probe(
      async () => accountOf(env, PROBE_ACCOUNT).read(PROBE_ACCOUNT, true),
      'Keys without a budget or an exact limit go on. Look at https://www.cloudflarestatus.com and at the limits of your plan.',
    ),
    probe(
      async () => Promise.all([directoryOf(env).usage(NO_DAYS), groupDirectoryOf(env).usage(NO_DAYS)]),
      'Requests go on. Only the lists of keys and groups and their usage wait. If it lasts: POST /admin/directory/rebuild.',
    ),
  ])
  const upstream = upstreamPart(isolateOf(env).upstreamSeen)
  const parts = { kv, accounts, directory, upstream }
  const isWell = Object.values(parts).every(({ state }) => state !== 'failed')
  return c.json({ state: isWell ? 'ok' : 'degraded', at: timeOf(Date.now()), parts })
}

async function probe(call: () => Promise<unknown>, action: string): Promise<TimedPart> {
  const startedMs = Date.now()
  const ms = (): number => Date.now() - startedMs
  try {
    await orTimeoutError(call(), HEALTH_TIMEOUT_MS)
    return { state: 'ok', ms: ms() }
  } catch (error) {
    return { state: 'failed', ms: ms(), reason: causeOf(error), action }
  }
}

/** Times of the last answer and the last failure, or `null`. */
type SeenPart = Part & Record<'lastAnswerAt' | 'lastFailureAt', string | null>

/** What this isolate has seen. Others may have seen something else. */
function upstreamPart({ answeredAtMs, failure, isFailing }: UpstreamSeen): SeenPart {
  const times = {
    lastAnswerAt: answeredAtMs === null ? null : timeOf(answeredAtMs),
    lastFailureAt: failure === null ? null : timeOf(failure.atMs),
  }
  if (isFailing === null) return { state: 'unknown', ...times }
  if (!isFailing || failure === null) return { state: 'ok', ...times }
  const { reason, alert = 'Look for this reason in the log. A failure that passes needs nothing.' } = failure
  return { state: 'failed', ...times, reason, action: alert }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
