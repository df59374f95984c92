/** Measures rounds of load on several subjects in turn. */
import { type Round, type Rounds, type Scenario, scenarioOf } from './figures.ts'
import type { Load, LoadGenerator, MeasuredLoad } from './load-generator.ts'
import { STREAM_CHUNKS } from './prepared.ts'
import type { Subject } from './subjects.ts'

export interface LoadScenario extends Load {
  name: string
  stream: boolean
  rounds: number
  /** Time of unmeasured load before the first round, ms, so that code is compiled and connections are open. 0 for none. */
  warmUpMs: number
}

export async function measureLoad(
  scenario: LoadScenario,
  subjects: readonly Subject[],
  generator: LoadGenerator,
): Promise<Scenario> {
  if (scenario.warmUpMs > 0) {
    for (const subject of subjects) {
      await generator.run(subject, { ...scenario, durationMs: scenario.warmUpMs })
    }
  }
  const rounds: Rounds = new Map(subjects.map(({ name }) => [name, []]))
  for (let round = 0; round < scenario.rounds; round++) {
    // Each round begins with another subject, so that no subject always follows the most expensive subject.
    const first = round % subjects.length
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) {
      const measured = await generator.run(subject, scenario)
      rounds.get(subject.name)?.push(scenario.stream ? streamRound(measured) : jsonRound(measured))
    }
  }
  return scenarioOf(scenario.name, rounds)
}

function jsonRound({ requests, failures, seconds, cpuMicros, p50Ms, p99Ms }: MeasuredLoad): Round {
  return {
    requestsPerSecond: requests / seconds,
    cpuMicrosPerRequest: cpuMicros / requests,
    p50Ms,
    p99Ms,
    failures,
  }
}

function streamRound(measured: MeasuredLoad): Round {
  const { requests, failures, seconds, cpuMicros, firstByteP50Ms, p50Ms, p99Ms } = measured
  const chunks = requests * STREAM_CHUNKS
  return {
    cpuMicrosPerChunk: cpuMicros / chunks,
    chunksPerSecond: chunks / seconds,
    firstByteP50Ms,
    p50Ms,
    p99Ms,
    failures,
  }
}
