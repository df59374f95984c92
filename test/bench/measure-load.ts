/** Rounds of load on several subjects in turn. */
import { type Round, type Rounds, type Scenario, scenarioOf } from './figures.ts'
import type { Load, LoadGenerator, Pressed } from './load-generator.ts'
import { STREAM_CHUNKS } from './prepared.ts'
import type { Subject } from './subjects.ts'

export interface LoadScenario extends Load {
  name: string
  stream: boolean
  rounds: number
  /** Before the first round, so that it meets compiled code and open connections; 0 for none. */
  warmUpMs: number
}

export async function measureLoad(
  scenario: LoadScenario,
  subjects: readonly Subject[],
  generator: LoadGenerator,
): Promise<Scenario> {
  if (scenario.warmUpMs > 0) {
    for (const subject of subjects) {
      await generator.press(subject, { ...scenario, durationMs: scenario.warmUpMs })
    }
  }
  const rounds: Rounds = new Map(subjects.map(({ name }) => [name, []]))
  for (let round = 0; round < scenario.rounds; round++) {
    // Each round begins with another subject: none always comes after the heaviest.
    const first = round % subjects.length
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) {
      const pressed = await generator.press(subject, scenario)
      rounds.get(subject.name)?.push(scenario.stream ? streamRound(pressed) : jsonRound(pressed))
    }
  }
  return scenarioOf(scenario.name, rounds)
}

function jsonRound({ requests, failures, seconds, cpuMicros, p50Ms, p99Ms }: Pressed): Round {
  return {
    requestsPerSecond: requests / seconds,
    cpuMicrosPerRequest: cpuMicros / requests,
    p50Ms,
    p99Ms,
    failures,
  }
}

function streamRound(pressed: Pressed): Round {
  const { requests, failures, seconds, cpuMicros, firstByteP50Ms, p50Ms, p99Ms } = pressed
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
