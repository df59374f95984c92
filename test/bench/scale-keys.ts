/** Part 1: one isolate with ever more active keys under the same total load. */
import type { Limits } from '../../src/limits/limits.ts'
import type { Child } from './child.ts'
import { chatBody } from './prepared.ts'
import { type Counts, type Fleet, type IssuedSecret, sumOfObjects } from './scale-fleet.ts'
import type { ScaleLoad, ScaleLoadResult } from './scale-load-process.ts'

export const KINDS = ['no limit', 'minute limit', 'budget'] as const
export type Kind = (typeof KINDS)[number]

/** Every request is counted, and none is refused. */
export const LIMITS: Readonly<Record<Kind, Limits>> = {
  'no limit': {},
  'minute limit': { requestsPerMinute: 1_000_000 },
  budget: { budget: { usd: 1_000_000, period: 'day' } },
}
/** The same limits for keys that have none of their own. */
export const DEFAULTS: Readonly<Record<Kind, Record<string, string>>> = {
  'no limit': {},
  'minute limit': { DEFAULT_REQUESTS_PER_MINUTE: '1000000' },
  budget: { DEFAULT_BUDGET_USD: '1000000', DEFAULT_BUDGET_PERIOD: 'day' },
}

export interface KeysRow {
  kind: Kind
  keys: number
  /** Figures of one request. */
  cpuMicros: number
  kvReads: number
  kvWrites: number
  kvLists: number
  calls: number
  rowsWritten: number
  /** Of the isolate that serves the requests. */
  heapMiB: number
  /** Of the whole process, with the objects. */
  residentMiB: number
}

const CONNECTIONS = 16
const BODY = chatBody(1, 60, false)

/** `counts` are numbers of active keys, the smallest first. The fleet has the limits of `kind` as defaults. */
export async function measureKeys(
  fleet: Fleet,
  load: Child<ScaleLoad>,
  kind: Kind,
  { keys, counts, requests }: { keys: readonly IssuedSecret[]; counts: readonly number[]; requests: number },
): Promise<KeysRow[]> {
  const rows: KeysRow[] = []
  for (const active of counts) {
    const secrets = keys.slice(0, active).map(({ secret }) => secret)
    const run = { ports: fleet.ports, secrets, body: BODY, connections: CONNECTIONS, perSecond: Infinity }
    // Each key is known before it is measured.
    await load.ask<ScaleLoadResult>({ ...run, requests: Math.max(active, requests / 4) })
    await fleet.takeQuiet()
    const { statuses } = await load.ask<ScaleLoadResult>({ ...run, requests })
    const counted = await fleet.takeQuiet()
    if (statuses[200] !== requests) throw new Error(`${kind}: answers ${JSON.stringify(statuses)}`)
    rows.push({
      kind,
      keys: active,
      ...figuresOf(counted, requests),
      heapMiB: await fleet.heapMiB(),
      residentMiB: fleet.residentMiB(),
    })
  }
  return rows
}

/** Reports to the directory are left out: a key sends one a minute, whatever its load. The bill has them. */
function figuresOf(counted: Counts, requests: number) {
  const [admissions, settlements] = ['admit', 'settle'].map((method) =>
    sumOfObjects(counted, `KeyAccount.${method}`),
  )
  const both = (name: 'calls' | 'rowsWritten'): number =>
    ((admissions?.[name] ?? 0) + (settlements?.[name] ?? 0)) / requests
  return {
    cpuMicros: counted.cpuMicros / requests,
    kvReads: counted.kv.reads / requests,
    kvWrites: counted.kv.writes / requests,
    kvLists: counted.kv.lists / requests,
    calls: both('calls'),
    rowsWritten: both('rowsWritten'),
  }
}
