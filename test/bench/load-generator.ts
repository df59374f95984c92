/** The bench's interface to the load generator's process. */
import { startChild } from './child.ts'
import type { LoadQuestion, LoadResult } from './load-process.ts'
import { requestBytes } from './prepared.ts'
import { cpuMicros } from './process-cost.ts'
import type { Subject } from './subjects.ts'

export interface Load {
  /** The body of each request. */
  body: string
  concurrency: number
  /** See `load-process.ts`. */
  durationMs: number
  rampMs: number
}

/** The result of a load, and the CPU time of the subject's process. */
export interface MeasuredLoad extends LoadResult {
  cpuMicros: number
}

export interface LoadGenerator {
  run(subject: Subject, load: Load): Promise<MeasuredLoad>
  stop(): void
}

export function startLoadGenerator(): LoadGenerator {
  const child = startChild<LoadQuestion>('load-process.ts')
  return {
    async run(subject, { body, concurrency, durationMs, rampMs }) {
      const { port, pid, secret } = subject
      await child.ask({ kind: 'open', port, connections: concurrency })
      const before = cpuMicros(pid)
      const request = requestBytes(port, secret, body)
      const result = await child.ask<LoadResult>({ kind: 'run', request, durationMs, rampMs })
      return { ...result, cpuMicros: cpuMicros(pid) - before }
    },
    stop: () => child.stop(),
  }
}
