/** Runs a plan: starts the processes, measures each scenario, and stops the processes. */
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { gzipSync } from 'node:zlib'
import type { ProductionWorker } from '../support/node/production-worker.ts'
import { startChild } from './child.ts'
import type { Results, Scenario } from './figures.ts'
import { startLoadGenerator } from './load-generator.ts'
import { measureLoad } from './measure-load.ts'
import { measureCompletion, measureMemory, measureStart, SLOW_PACE_MS } from './measure-process.ts'
import type { Plan } from './plan.ts'
import { prepareSubjects, type Subject, type SubjectName } from './subjects.ts'
import type { UpstreamMode, UpstreamReady } from './upstream-process.ts'

const FOR_JSON: readonly SubjectName[] = ['bare', 'skeleton', 'gateway', 'naive']
/** What admission and settlement add: compared beside the others, with JSON alone. */
const ACCOUNT_SUBJECTS: readonly SubjectName[] = ['unlimited', 'unsettled', 'day-limit', 'budget']

/** `progress` is called with each scenario as soon as it is measured. */
export async function runPlan(plan: Plan, progress: (scenario: Scenario) => void): Promise<Results> {
  const scenarios: Scenario[] = []
  const measured = (scenario: Scenario): void => {
    scenarios.push(scenario)
    progress(scenario)
  }
  const upstream = startChild<UpstreamMode>('upstream-process.ts')
  const generator = startLoadGenerator()
  const { port } = await upstream.ask<UpstreamReady>({ kind: 'json' })
  const subjects = await prepareSubjects(port)
  const running: Subject[] = []
  try {
    if (plan.startRounds > 0) {
      measured(await measureStart(subjects, plan.startRounds))
      measured(await measureCompletion(subjects, plan.startRounds))
    }
    for (const name of plan.streamSubjects) running.push(await subjects.start(name))
    const forJson = running.filter(({ name }) => FOR_JSON.includes(name))
    const forAccounts: Subject[] = []
    if (plan.json.length > 0) {
      for (const name of ACCOUNT_SUBJECTS) forAccounts.push(await subjects.start(name))
    }
    running.push(...forAccounts)
    for (const scenario of plan.json) {
      measured(await measureLoad(scenario, [...forJson, ...forAccounts], generator))
    }
    running.splice(running.length - forAccounts.length)
    await Promise.all(forAccounts.map((subject) => subject.stop()))
    for (const scenario of plan.streams) {
      await upstream.ask({ kind: 'stream', paceMs: scenario.paceMs })
      measured(await measureLoad(scenario, running, generator))
    }
    await upstream.ask({ kind: 'stream', paceMs: SLOW_PACE_MS })
    if (plan.memoryRounds > 0) measured(await measureMemory(subjects, plan.memoryRounds))
  } finally {
    generator.stop()
    upstream.stop()
    await Promise.all(running.map((subject) => subject.stop()))
    await subjects.stop()
  }
  return { machine: machine(), scenarios, bundle: bundleOf(subjects.worker) }
}

function machine(): Results['machine'] {
  const [first] = cpus()
  const { version } = createRequire(import.meta.url)('workerd/package.json') as { version: string }
  return { cpu: first?.model ?? 'unknown', cores: cpus().length, node: process.version, workerd: version }
}

function bundleOf({ modules }: ProductionWorker): Results['bundle'] {
  const bytes = Buffer.concat(modules.map((module) => module.bytes))
  return { bytes: bytes.length, gzipBytes: gzipSync(bytes, { level: 9 }).length }
}
