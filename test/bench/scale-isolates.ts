/** Part 2: ever more isolates that serve one key. KV here shows a write at once; `simulate:limits` shows what a slow KV changes. */
import type { Limits } from '../../src/limits/limits.ts'
import { startChild } from './child.ts'
import { USAGE_MICRO_USD } from './prepared.ts'
import { type Fleet, sumOfObjects } from './scale-fleet.ts'
import type { ScaleLoad, ScaleLoadResult } from './scale-load-process.ts'

/** The limit of the key with a limit of a minute, and the requests that its budget pays for. */
export const REQUESTS_PER_MINUTE = 300
export const BUDGET_REQUESTS = 600
/** How many times the limit is asked for. */
export const DEMAND = 3
/** The cap keeps the worst case of a request near its cost. The model's answer has 640. */
const COMPLETION_TOKENS_MAX = 700

export type IsolatesKind = 'minute limit' | 'budget'

export const ISOLATE_LIMITS: Readonly<Record<IsolatesKind, Limits>> = {
  'minute limit': { requestsPerMinute: REQUESTS_PER_MINUTE },
  budget: { budget: { usd: (BUDGET_REQUESTS * USAGE_MICRO_USD) / 1e6, period: 'total' } },
}

export interface IsolatesRow {
  kind: IsolatesKind
  isolates: number
  requests: number
  /** In each minute of the load. */
  admitted: number[]
  limit: number
  /** Figures of one request, refused ones too. */
  cpuMicros: number
  kvWrites: number
  kvLists: number
  calls: number
  rowsWritten: number
}

export async function measureIsolates(
  fleet: Fleet,
  kind: IsolatesKind,
  seconds: number,
): Promise<IsolatesRow> {
  const [key] = await fleet.createKeys(1, ISOLATE_LIMITS[kind])
  if (key === undefined) throw new Error('no key')
  await fleet.takeQuiet()
  const perSecond = (DEMAND * REQUESTS_PER_MINUTE) / 60
  const requests = Math.round(perSecond * seconds)
  const load = startChild<ScaleLoad>('scale-load-process.ts')
  const body = JSON.stringify({
    model: 'o3-mini',
    messages: [{ role: 'user', content: 'Hello there' }],
    max_completion_tokens: COMPLETION_TOKENS_MAX,
  })
  const { ports } = fleet
  // Each isolate has two connections, so that a slow answer delays no other request.
  const connections = Math.max(16, 2 * ports.length)
  const result = await load.ask<ScaleLoadResult>({
    ports,
    secrets: [key.secret],
    body,
    requests,
    connections,
    perSecond,
  })
  load.stop()
  const counted = await fleet.takeQuiet()
  const admitted = Array.from({ length: Math.ceil(seconds / 60) }, () => 0)
  for (const ms of result.admittedAtMs) {
    const minute = Math.min(admitted.length - 1, Math.floor(ms / 60_000))
    admitted[minute] = (admitted[minute] ?? 0) + 1
  }
  const objects = sumOfObjects(counted, 'KeyAccount')
  return {
    kind,
    isolates: ports.length,
    requests,
    admitted,
    limit: kind === 'budget' ? BUDGET_REQUESTS : REQUESTS_PER_MINUTE,
    cpuMicros: counted.cpuMicros / requests,
    kvWrites: counted.kv.writes / requests,
    kvLists: counted.kv.lists / requests,
    calls: objects.calls / requests,
    rowsWritten: objects.rowsWritten / requests,
  }
}
