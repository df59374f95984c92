/** Simulates the limiters and prints their over-admission and KV operations: `npm run simulate:limits`. */

import { fleetShare, getAndPut, memoryOnly } from '../support/limits-contenders.ts'
import { meanOutcome } from '../support/limits-simulation.ts'
import type { Scenario } from '../support/limits-simulation.ts'

const ISOLATES = [1, 4, 16, 64]
const SEEDS = [1, 2, 3]
const BASE: Scenario = { isolates: 8, limit: 60, demand: 10, minutes: 20, warmUpMinutes: 4, seed: 1 }

// oxlint-disable-next-line no-console -- this script prints its results
const print = (line: string): void => console.log(line)

const percent = (share: number): string => `${(share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`

print(`Limit ${BASE.limit} requests a minute, KV 60 s stale, steady demand of 10 times the limit.`)
print('Mean over-admission, and in brackets the worst 60 s after the warm-up:\n')
print(`| design | ${ISOLATES.map((isolates) => `N=${isolates}`).join(' | ')} |`)
print(`|---|${ISOLATES.map(() => '---|').join('')}`)
for (const contender of [getAndPut, memoryOnly, fleetShare('strict'), fleetShare(), fleetShare('lenient')]) {
  const cells = []
  for (const isolates of ISOLATES) {
    const { meanOver, worstOver } = await meanOutcome({ ...BASE, isolates }, contender, SEEDS)
    cells.push(`${percent(meanOver)} (${percent(worstOver)})`)
  }
  print(`| ${contender.name} | ${cells.join(' | ')} |`)
}

print('\nfleet-share (balanced), 8 isolates unless stated otherwise:\n')
print('| scenario | mean | worst 60 s | refused | writes/1,000 | lists/1,000 |')
print('|---|---|---|---|---|---|')
const scenarios: [string, Partial<Scenario>][] = [
  ['half of the limit', { demand: 0.5 }],
  ['1 ×', { demand: 1 }],
  ['1.4 ×', { demand: 1.4 }],
  ['3 ×', { demand: 3 }],
  ['10 ×', {}],
  ['3 ×, limit 600', { demand: 3, limit: 600 }],
  ['10 ×, limit 10', { limit: 10 }],
  ['3 ×, bursts of 30 s', { demand: 3, traffic: 'bursts' }],
  ['10 ×, half of the writes fail', { failingWrites: 0.5 }],
  ['10 ×, all writes fail', { failingWrites: 1 }],
  ['10 ×, clocks ±10 s', { clockSkewMs: 10_000 }],
  ['74 % that moves once', { demand: 0.74, traffic: 'moves', pace: 'even', isolates: 2 }],
  ['10 ×, KV 5 s stale', { visibilityDelayMs: 5_000 }],
]
for (const [name, change] of scenarios) {
  const outcome = await meanOutcome({ ...BASE, ...change }, fleetShare(), SEEDS)
  const shares = [outcome.meanOver, outcome.worstOver, outcome.refusedShare].map(percent)
  const rates = [outcome.writesPerThousand, outcome.listsPerThousand].map((rate) => rate.toFixed(0))
  print(`| ${[name, ...shares, ...rates].join(' | ')} |`)
}

print('\nfleet-share (balanced) over many isolates, of which most are quiet:\n')
print(
  '| limit | isolates | demand | requests a minute and isolate | mean | worst 60 s | writes/1,000 | lists/1,000 |',
)
print('|---|---|---|---|---|---|---|---|')
const quietScenarios = [
  { limit: 600, isolates: 200, demand: 3 },
  { limit: 600, isolates: 400, demand: 5 },
  { limit: 3_000, isolates: 300, demand: 4 },
  { limit: 600, isolates: 1_000, demand: 3 },
  { limit: 600, isolates: 2_000, demand: 3 },
  { limit: 60, isolates: 100, demand: 3 },
  { limit: 60, isolates: 200, demand: 3 },
]
for (const change of quietScenarios) {
  const { limit, isolates, demand } = change
  const outcome = await meanOutcome({ ...BASE, ...change, minutes: 10 }, fleetShare(), SEEDS)
  const shares = [outcome.meanOver, outcome.worstOver].map(percent)
  const rates = [outcome.writesPerThousand, outcome.listsPerThousand].map((rate) => rate.toFixed(0))
  const perIsolate = ((limit * demand) / isolates).toFixed(1)
  print(`| ${[limit, isolates, `${demand} ×`, perIsolate, ...shares, ...rates].join(' | ')} |`)
}
