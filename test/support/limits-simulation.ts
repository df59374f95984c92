/**
 * A discrete-event simulation of one key's traffic over several isolates. They share a KV that shows changes late. Every
 * isolate is a location of its own, the worst case. The simulation is seeded: the same scenario gives the same result.
 */

import { KvDouble } from './kv-double.ts'
import type { KvLocation } from './kv-double.ts'
import { seededRandom } from './seeded-random.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface Scenario {
  readonly isolates: number
  /** Requests a minute. */
  readonly limit: number
  /** Requests offered, as a multiple of the limit. */
  readonly demand: number
  /** Simulated time, and its first part, which the figures leave out. */
  readonly minutes: number
  readonly warmUpMinutes: number
  readonly seed: number
  /** Other locations see a change after this time, ms. Default 60,000. */
  readonly visibilityDelayMs?: number
  /** Share of KV's writes that fail. Default 0. */
  readonly failingWrites?: number
  /** The largest error of an isolate's clock, in either direction, ms. Default 0. */
  readonly clockSkewMs?: number
  /** The pattern of the traffic: see `Traffic`. Default `steady`. */
  readonly traffic?: Traffic
  /** Requests at random times (a Poisson stream), or at even intervals. Default `random`. */
  readonly pace?: 'random' | 'even'
}

/**
 * `steady`: spread unevenly over the isolates, the k-th in proportion to 1 ÷ √k. `bursts`: the same, on for 30 s and off for
 * 30 s. `moves`: all traffic at the first isolate, and at the last isolate from half of the time on.
 */
export type Traffic = 'steady' | 'bursts' | 'moves'

/** A limiter under test. `isolate` creates its instance in one isolate. */
export interface Contender {
  readonly name: string
  isolate(context: IsolateContext): Decide
}

export interface IsolateContext {
  readonly name: string
  readonly limit: number
  readonly kv: KvLocation
  /** From 0 up to 1, seeded: each isolate has a generator of its own. */
  readonly random: () => number
  /** This isolate's clock. */
  readonly clock: () => number
}

/** Decides whether a request is admitted. Background work is passed to `waitUntil`. */
export type Decide = (waitUntil: (promise: Promise<unknown>) => void) => boolean | Promise<boolean>

export interface Outcome {
  readonly offered: number
  readonly admitted: number
  /** Mean admissions a minute above the limit, as a share of the limit; negative below the limit. */
  readonly meanOver: number
  /** The same share for the 60 s with the most admissions. */
  readonly worstOver: number
  /** The most admissions in any 60 s, the warm-up included. */
  readonly fullestMinute: number
  readonly refusedShare: number
  readonly writesPerThousand: number
  readonly listsPerThousand: number
  readonly getsPerThousand: number
  readonly tooManyWrites: number
}

const MINUTE_MS = 60_000
// No two isolates of a test's few seeds share a seed.
const ISOLATE_SEEDS = 10_000
const BURST_MS = 30_000

export async function simulate(scenario: Scenario, contender: Contender): Promise<Outcome> {
  const { isolates, limit, seed, clockSkewMs = 0 } = scenario
  const random = seededRandom(seed)
  const clock = new VirtualClock()
  const startMs = clock.nowMs
  const kv = new KvDouble({ clock, visibilityDelayMs: scenario.visibilityDelayMs ?? MINUTE_MS, random })
  kv.failureRates.put = scenario.failingWrites ?? 0
  const decides = Array.from({ length: isolates }, (_, index) => {
    const skewMs = Math.round((random() * 2 - 1) * clockSkewMs)
    const name = `isolate${index}`
    const randomOfIsolate = seededRandom(seed * ISOLATE_SEEDS + index)
    return contender.isolate({
      name,
      limit,
      kv: kv.at(name),
      random: randomOfIsolate,
      clock: () => clock.nowMs + skewMs,
    })
  })
  const admittedAtMs: number[] = []
  const measuredFromMs = startMs + scenario.warmUpMinutes * MINUTE_MS
  const endMs = startMs + scenario.minutes * MINUTE_MS
  let offered = 0
  let countsBefore = { ...kv.counts }
  for (const { atMs, isolate } of arrivals(scenario, startMs, random)) {
    if (offered === 0 && atMs >= measuredFromMs) countsBefore = { ...kv.counts }
    await clock.advanceTo(atMs)
    if ((await decides[isolate]?.(() => undefined)) === true) admittedAtMs.push(atMs)
    if (atMs >= measuredFromMs) offered += 1
  }
  const measured = admittedAtMs.filter((atMs) => atMs >= measuredFromMs)
  const minutes = (endMs - measuredFromMs) / MINUTE_MS
  const perThousand = (operation: 'put' | 'list' | 'get'): number =>
    ((kv.counts[operation] - countsBefore[operation]) / offered) * 1_000
  return {
    offered,
    admitted: measured.length,
    meanOver: measured.length / minutes / limit - 1,
    worstOver: fullest(measured) / limit - 1,
    fullestMinute: fullest(admittedAtMs),
    refusedShare: 1 - measured.length / offered,
    writesPerThousand: perThousand('put'),
    listsPerThousand: perThousand('list'),
    getsPerThousand: perThousand('get'),
    tooManyWrites: kv.tooManyWrites,
  }
}

/** Simulates the scenario with several seeds. Returns the means, and the maxima of the worst cases. */
export async function meanOutcome(
  scenario: Scenario,
  contender: Contender,
  seeds: readonly number[],
): Promise<Outcome> {
  const outcomes: Outcome[] = []
  for (const seed of seeds) outcomes.push(await simulate({ ...scenario, seed }, contender))
  const mean = (pick: (outcome: Outcome) => number): number =>
    outcomes.reduce((sum, outcome) => sum + pick(outcome), 0) / outcomes.length
  return {
    offered: mean((outcome) => outcome.offered),
    admitted: mean((outcome) => outcome.admitted),
    meanOver: mean((outcome) => outcome.meanOver),
    worstOver: Math.max(...outcomes.map((outcome) => outcome.worstOver)),
    fullestMinute: Math.max(...outcomes.map((outcome) => outcome.fullestMinute)),
    refusedShare: mean((outcome) => outcome.refusedShare),
    writesPerThousand: mean((outcome) => outcome.writesPerThousand),
    listsPerThousand: mean((outcome) => outcome.listsPerThousand),
    getsPerThousand: mean((outcome) => outcome.getsPerThousand),
    tooManyWrites: Math.max(...outcomes.map((outcome) => outcome.tooManyWrites)),
  }
}

interface Arrival {
  readonly atMs: number
  readonly isolate: number
}

function* arrivals(scenario: Scenario, startMs: number, random: () => number): Generator<Arrival> {
  const { isolates, limit, demand, minutes, traffic = 'steady', pace = 'random' } = scenario
  const weights = Array.from({ length: isolates }, (_, index) => 1 / Math.sqrt(index + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const meanGapMs = MINUTE_MS / (limit * demand)
  const lengthMs = minutes * MINUTE_MS
  const gapMs = (): number => (pace === 'even' ? meanGapMs : -Math.log(1 - random()) * meanGapMs)
  for (let ms = 0; ms < lengthMs; ms += gapMs()) {
    if (traffic === 'bursts' && ms % (2 * BURST_MS) >= BURST_MS) continue
    let place = random() * total
    let isolate = weights.findIndex((weight) => (place -= weight) < 0)
    if (traffic === 'moves') isolate = ms < lengthMs / 2 ? 0 : isolates - 1
    yield { atMs: Math.round(startMs + ms), isolate }
  }
}

// The largest number of times in any 60 s.
function fullest(timesMs: readonly number[]): number {
  let most = 0
  let first = 0
  for (const [index, atMs] of timesMs.entries()) {
    while (atMs - (timesMs[first] ?? atMs) >= MINUTE_MS) first += 1
    most = Math.max(most, index - first + 1)
  }
  return most
}
