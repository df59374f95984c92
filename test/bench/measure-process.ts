/** Measures the CPU time that a process takes to start, and its memory with many streams. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Rounds, type Scenario, scenarioOf } from './figures.ts'
import { startLoadGenerator } from './load-generator.ts'
import { chatBody, PATH } from './prepared.ts'
import { cpuMicros, residentMiB } from './process-cost.ts'
import type { Subject, SubjectName, Subjects } from './subjects.ts'

type Ask = (subject: Subject) => Promise<Response>

/** CPU time from the start of the runtime's process to its answer to `/health`. It includes the runtime's own start. */
export async function measureStart(subjects: Subjects, rounds: number): Promise<Scenario> {
  return measureFirst('start', ['empty', 'gateway', 'naive'], subjects, rounds, ({ port }) =>
    fetch(`http://127.0.0.1:${port}/health`),
  )
}

/** CPU time to the first completion. It includes objects that are created at first use, and the read of the key from KV. */
export async function measureCompletion(subjects: Subjects, rounds: number): Promise<Scenario> {
  return measureFirst(
    'first completion',
    ['bare', 'gateway', 'naive'],
    subjects,
    rounds,
    ({ port, secret }) =>
      fetch(`http://127.0.0.1:${port}${PATH}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        body: chatBody(1, 60, false),
      }),
  )
}

async function measureFirst(
  scenario: string,
  names: readonly SubjectName[],
  subjects: Subjects,
  rounds: number,
  ask: Ask,
): Promise<Scenario> {
  const measured: Rounds = new Map(names.map((name) => [name, []]))
  const secrets = new Map<SubjectName, string>()
  for (const name of names) {
    const subject = await subjects.start(name)
    secrets.set(name, subject.secret)
    await subject.stop()
  }
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const subject = await subjects.start(name, secrets.get(name))
      await (await ask(subject)).arrayBuffer()
      measured.get(name)?.push({ cpuMsToAnswer: cpuMicros(subject.pid) / 1000 })
      await subject.stop()
    }
  }
  return scenarioOf(scenario, measured)
}

/** Time between two chunks of a slow stream, ms. The caller sets the upstream to it. */
export const SLOW_PACE_MS = 500
const STREAMS = 500
const SETTLE_MS = 2_500

/** Resident memory of a new process with 500 open streams. */
export async function measureMemory(subjects: Subjects, rounds: number): Promise<Scenario> {
  const names: SubjectName[] = ['bare', 'skeleton', 'gateway', 'skeleton-always', 'always', 'naive']
  const measured: Rounds = new Map(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const subject = await subjects.start(name)
      const beforeMiB = residentMiB(subject.pid)
      const generator = startLoadGenerator()
      const load = { body: chatBody(1, 60, true), concurrency: STREAMS, durationMs: 0, rampMs: 500 }
      // The streams would take minutes. They end when the generator stops.
      generator.run(subject, load).catch(() => undefined)
      await sleep(SETTLE_MS)
      const memoryMiB = residentMiB(subject.pid)
      const memoryKiBPerStream = ((memoryMiB - beforeMiB) / STREAMS) * 1024
      measured.get(name)?.push({ memoryMiB, memoryKiBPerStream })
      generator.stop()
      await subject.stop()
    }
  }
  return scenarioOf('memory', measured)
}
