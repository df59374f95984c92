/** The results of a run: the median and range of each figure, for each subject, absolute and relative to the bare Worker. */
import type { SubjectName } from './subjects.ts'

export interface Spread {
  median: number
  min: number
  max: number
}

export type Metric =
  | 'requestsPerSecond'
  | 'cpuMicrosPerRequest'
  | 'p50Ms'
  | 'p99Ms'
  | 'chunksPerSecond'
  | 'cpuMicrosPerChunk'
  | 'firstByteP50Ms'
  | 'failures'
  | 'cpuMsToAnswer'
  | 'memoryMiB'
  | 'memoryKiBPerStream'

/** The figures of one subject in one round. */
export type Round = Partial<Record<Metric, number>>

/** `ratio` is relative to the bare Worker in the same round, so a disturbance of a whole round cancels out. */
export type Figures = Partial<Record<Metric, Spread & { ratio: Spread | null }>>

export interface Scenario {
  name: string
  subjects: Partial<Record<SubjectName, Figures>>
}

export interface Results {
  machine: { cpu: string; cores: number; node: string; workerd: string }
  scenarios: Scenario[]
  bundle: { bytes: number; gzipBytes: number }
}

/** The rounds of all subjects, in the same order. */
export type Rounds = Map<SubjectName, Round[]>

export function scenarioOf(name: string, rounds: Rounds): Scenario {
  const base = rounds.get('bare')
  const subjects: Scenario['subjects'] = {}
  for (const [subject, own] of rounds) subjects[subject] = figuresOf(own, base)
  return { name, subjects }
}

function figuresOf(own: readonly Round[], base: readonly Round[] | undefined): Figures {
  const figures: Figures = {}
  for (const metric of Object.keys(own[0] ?? {}) as Metric[]) {
    const values = own.map((round) => round[metric] ?? NaN)
    const ratios = base?.map((round, at) => (values[at] ?? NaN) / (round[metric] ?? NaN))
    figures[metric] = { ...spreadOf(values), ratio: ratios === undefined ? null : spreadOf(ratios) }
  }
  return figures
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (index: number): number => sorted[index] ?? NaN
  const middle = (sorted.length - 1) / 2
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  }
}
