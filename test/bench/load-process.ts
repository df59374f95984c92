/** The load generator, a process of its own. Each of its connections sends one request after the other. */
import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from './child.ts'
import { LoadConnection, type Timing } from './load-connection.ts'

/** `open` precedes `run`, so that connecting is not measured. */
export type LoadQuestion = Open | Run

interface Open {
  kind: 'open'
  port: number
  connections: number
}

interface Run {
  kind: 'run'
  /** The request's bytes on the wire. */
  request: Buffer
  /** A connection begins requests during this time, and at least one. */
  durationMs: number
  /** The connections begin evenly spread over this time. Streams that began together would send their chunks together. */
  rampMs: number
}

export interface LoadResult {
  /** Requests with a complete answer. */
  requests: number
  /** Requests with no complete 200. Their connection sends no more. An overloaded runtime drops some connections. */
  failures: number
  seconds: number
  p50Ms: number
  p99Ms: number
  firstByteP50Ms: number
  bodyBytes: number
}

/** The open connections. The next `open` replaces them: the runtime closes idle connections after a few seconds. */
let connections: LoadConnection[] = []

answerParent(async (question: LoadQuestion): Promise<LoadResult | null> => {
  if (question.kind === 'run') return run(question)
  for (const connection of connections) connection.close()
  connections = []
  while (connections.length < question.connections) {
    connections.push(await LoadConnection.open(question.port))
  }
  return null
})

async function run(load: Run): Promise<LoadResult> {
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
  if (failures.length > 0)
    process.stderr.write(`${failures.length} requests failed, the first with ${failures[0]}\n`)
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
