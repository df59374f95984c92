/** The load generator, as the bench sees it. */
import { startChild } from './child.ts'
import type { LoadQuestion, LoadResult } from './load-process.ts'
import { requestBytes } from './prepared.ts'
import { cpuMicros } from './process-cost.ts'
import type { Subject } from './subjects.ts'

export interface Load {
  /** Of each request. */
  body: string
  concurrency: number
  /** See `load-process.ts`. */
  durationMs: number
  rampMs: number
}

/** What a load came to, and what it took of the subject's process. */
export interface Pressed extends LoadResult {
  cpuMicros: number
}

export interface LoadGenerator {
  press(subject: Subject, load: Load): Promise<Pressed>
  stop(): void
}

export function startLoadGenerator(): LoadGenerator {
  const child = startChild<LoadQuestion>('load-process.ts')
  return {
    async press(subject, { body, concurrency, durationMs, rampMs }) {
      const { port, pid, secret } = subject
      await child.ask({ kind: 'open', port, connections: concurrency })
      const before = cpuMicros(pid)
      const request = requestBytes(port, secret, body)
      const result = await child.ask<LoadResult>({ kind: 'press', request, durationMs, rampMs })
      return { ...result, cpuMicros: cpuMicros(pid) - before }
    },
    stop: () => child.stop(),
  }
}
