/** Part 4: the bill of a million requests, at list prices, from operations that were counted while keys were used as callers do. */
import { startChild } from './child.ts'
import { chatBody } from './prepared.ts'
import { type Counts, type Fleet, sumOfObjects } from './scale-fleet.ts'
import { type Kind, LIMITS } from './scale-keys.ts'
import type { ScaleLoad, ScaleLoadResult } from './scale-load-process.ts'

/** List prices of the paid plan beyond what it includes, in dollars a million. README.md beside this file has the pages. */
export const USD_PER_MILLION = {
  workerRequests: 0.3,
  workerCpuMs: 0.02,
  kvReads: 0.5,
  kvWrites: 5,
  kvLists: 5,
  objectRequests: 0.15,
  objectGbSeconds: 12.5,
  rowsRead: 0.001,
  rowsWritten: 1,
} as const

/** Each object is billed for 128 MB. */
const OBJECT_GB = 0.128

/** How a key's requests come: one a minute, or many at once. */
export const PATTERNS = ['spread out', 'in bursts'] as const
export type Pattern = (typeof PATTERNS)[number]

/** The keys of a pattern, the requests of each in a minute, how many of them come at once, and a limit that refuses none. */
const USE: Readonly<
  Record<Pattern, { keys: number; requestsAMinute: number; burst: number; requestsPerMinute: number }>
> = {
  'spread out': { keys: 60, requestsAMinute: 1, burst: 1, requestsPerMinute: 60 },
  'in bursts': { keys: 6, requestsAMinute: 120, burst: 40, requestsPerMinute: 240 },
}
/**
 * Rows that are written later than the bench ends: a minute with requests gets a row of its own after a quarter of an hour, and
 * the row of a request that its account has admitted is deleted after a day.
 */
const ROWS_OF_A_MINUTE = 1
const ROWS_DELETED: Readonly<Record<Kind, number>> = { 'no limit': 0, 'minute limit': 0, budget: 1 }

export interface BillRow {
  kind: Kind
  pattern: Pattern
  /** Operations of one request. */
  operations: Record<keyof typeof USD_PER_MILLION, number>
  /** Dollars of a million requests. */
  usd: number
}

/** The first minute is not counted, since every key is new to its isolate then. */
export async function measureBill(
  fleet: Fleet,
  kind: Kind,
  pattern: Pattern,
  minutes: number,
): Promise<BillRow> {
  const { keys, requestsAMinute, burst, requestsPerMinute } = USE[pattern]
  const issued = await fleet.createKeys(keys, kind === 'minute limit' ? { requestsPerMinute } : LIMITS[kind])
  const secrets = issued.flatMap(({ secret }) => Array.from({ length: burst }, () => secret))
  const load = startChild<ScaleLoad>('scale-load-process.ts')
  const perMinute = keys * requestsAMinute
  const run = {
    ports: fleet.ports,
    secrets,
    body: chatBody(1, 60, false),
    connections: pattern === 'in bursts' ? 8 : 4,
    perSecond: perMinute / 60,
  }
  const minute = async (): Promise<void> => {
    const { statuses } = await load.ask<ScaleLoadResult>({ ...run, requests: perMinute })
    if (statuses[200] !== perMinute) throw new Error(`${kind}: answers ${JSON.stringify(statuses)}`)
  }
  await minute()
  await fleet.take()
  for (let each = 0; each < minutes; each += 1) await minute()
  const counted = await fleet.take()
  load.stop()
  const rowsLater = ROWS_DELETED[kind] + ROWS_OF_A_MINUTE / requestsAMinute
  return { kind, pattern, ...billOf(counted, perMinute * minutes, rowsLater) }
}

/** The last reports of the counted minutes come a minute later, in place of those that the first minute has left. */
function billOf(counted: Counts, requests: number, rowsLater: number): Pick<BillRow, 'operations' | 'usd'> {
  const objects = sumOfObjects(counted)
  const operations = {
    workerRequests: 1,
    workerCpuMs: counted.cpuMicros / 1000 / requests,
    kvReads: counted.kv.reads / requests,
    kvWrites: (counted.kv.writes + counted.kv.copies) / requests,
    kvLists: counted.kv.lists / requests,
    objectRequests: objects.calls / requests,
    objectGbSeconds: ((objects.wallMs / 1000) * OBJECT_GB) / requests,
    rowsRead: objects.rowsRead / requests,
    rowsWritten: objects.rowsWritten / requests + rowsLater,
  }
  const usd = Object.entries(operations).reduce(
    (sum, [name, count]) => sum + count * USD_PER_MILLION[name as keyof typeof USD_PER_MILLION],
    0,
  )
  return { operations, usd }
}
