/** The targets for the gateway's cost. */
import type { Metric } from './figures.ts'
import type { SubjectName } from './subjects.ts'

export interface Target {
  what: string
  /** The scenario's name. */
  scenario: string
  subject: SubjectName
  metric: Metric
  /** The largest ratio to the bare Worker. */
  ratioMax: number
  /** The largest ratio to the skeleton, where there is such a target. */
  skeletonRatioMax?: number
}

const SMALL = 'JSON, 1 message, 16 at once'
const STREAMS = 'streams, a chunk every 20 ms, 100 at once'

export const TARGETS: readonly Target[] = [
  {
    what: 'CPU a request, 1 message',
    scenario: SMALL,
    subject: 'gateway',
    metric: 'cpuMicrosPerRequest',
    ratioMax: 1.3,
  },
  {
    what: 'p50 of a request, 16 at once',
    scenario: SMALL,
    subject: 'gateway',
    metric: 'p50Ms',
    ratioMax: 1.25,
  },
  {
    what: 'CPU a request, 100 messages',
    scenario: 'JSON, 100 messages, 16 at once',
    subject: 'gateway',
    metric: 'cpuMicrosPerRequest',
    ratioMax: 1.6,
  },
  {
    what: 'CPU a request, 1 MB',
    scenario: 'JSON, 1 MB, 16 at once',
    subject: 'gateway',
    metric: 'cpuMicrosPerRequest',
    ratioMax: 1.8,
  },
  {
    what: 'CPU a chunk, native',
    scenario: STREAMS,
    subject: 'gateway',
    metric: 'cpuMicrosPerChunk',
    ratioMax: 1.08,
    skeletonRatioMax: 1.02,
  },
  {
    what: 'CPU a chunk, metered',
    scenario: STREAMS,
    subject: 'always',
    metric: 'cpuMicrosPerChunk',
    ratioMax: 3,
    skeletonRatioMax: 0.9,
  },
  {
    what: 'time to the first byte',
    scenario: STREAMS,
    subject: 'gateway',
    metric: 'firstByteP50Ms',
    ratioMax: 1.3,
    skeletonRatioMax: 1.1,
  },
  {
    what: 'memory with 500 slow streams',
    scenario: 'memory',
    subject: 'gateway',
    metric: 'memoryMiB',
    ratioMax: 1.15,
    skeletonRatioMax: 1.05,
  },
]

/** CPU time to start an isolate, above that of an empty Worker, ms. */
export const START_MS_MAX = 15
/** CPU time to an isolate's first completion, above that of the bare Worker, ms. */
export const COMPLETION_MS_MAX = 20
export const GZIP_BYTES_MAX = 32 * 1024
