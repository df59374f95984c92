/** The load generator, a process of its own: so many connections at once, each with one request after the other. */
import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from './child.ts'
import { LoadConnection, type Timing } from './load-connection.ts'

/** First the connections are opened, which is not to be measured. */
export type LoadQuestion = Open | Press

interface Open {
  kind: 'open'
  port: number
  connections: number
}

interface Press {
  kind: 'press'
  /** As on the wire. */
  request: Buffer
  /** Until then a connection begins another request; each makes one at least. */
  durationMs: number
  /** The connections begin evenly over this time: streams that all begin at once would be paced in step. */
  rampMs: number
}

export interface LoadResult {
  /** Those that were answered whole. */
  requests: number
  /** Those that were not, or not with a 200; their connection rests. A runtime with too much to do breaks some. */
  failures: number
  seconds: number
  p50Ms: number
  p99Ms: number
  firstByteP50Ms: number
  bodyBytes: number
}

/** Closed when the next ones are opened: the runtime closes idle ones after a few seconds. */
let connections: LoadConnection[] = []

answerParent(async (question: LoadQuestion): Promise<LoadResult | null> => {
  if (question.kind === 'press') return press(question)
  for (const connection of connections) connection.close()
  connections = []
  while (connections.length < question.connections) {
    connections.push(await LoadConnection.open(question.port))
  }
  return null
})

async function press(load: Press): Promise<LoadResult> {
  const startedMs = performance.now()
  const failures: string[] = []
  const timings = await Promise.all(
    connections.map(async (connection, index) => {
      if (load.rampMs > 0) await sleep((load.rampMs * index) / connections.length)
      const own: Timing[] = []
      try {
        do own.push(await connection.send(load.request))
        while (performance.now() - startedMs < load.durationMs)
      } catch (error) {
        failures.push(String(error))
      }
      return own
    }),
  )
  if (failures.length > 0) process.stderr.write(`${failures.length} failed, the first by ${failures[0]}\n`)
  const seconds = (performance.now() - startedMs) / 1000
  const all = timings.flat()
  const totals = all.map((timing) => timing.totalMs).toSorted((a, b) => a - b)
  const firstBytes = all.map((timing) => timing.firstByteMs).toSorted((a, b) => a - b)
  return {
    requests: all.length,
    failures: failures.length,
    seconds,
    p50Ms: quantile(totals, 0.5),
    p99Ms: quantile(totals, 0.99),
    firstByteP50Ms: quantile(firstBytes, 0.5),
    bodyBytes: all.reduce((sum, timing) => sum + timing.bodyBytes, 0),
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}
