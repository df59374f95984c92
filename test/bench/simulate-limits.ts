/** Prints how well limiters hold a limit: `npm run simulate:limits`. */

import { fleetShare, getAndPut, memoryOnly } from '../support/limits-contenders.ts'
import { simulate } from '../support/limits-simulation.ts'
import type { Contender, Outcome, Scenario } from '../support/limits-simulation.ts'

const ISOLATES = [1, 4, 16, 64]
const SEEDS = [1, 2, 3]
const BASE: Scenario = { isolates: 8, limit: 60, demand: 10, minutes: 20, warmUpMinutes: 4, seed: 1 }

// oxlint-disable-next-line no-console -- printing is what this is for
const print = (line: string): void => console.log(line)

async function mean(scenario: Scenario, contender: Contender): Promise<Outcome> {
  const outcomes = await Promise.all(SEEDS.map((seed) => simulate({ ...scenario, seed }, contender)))
  const [first] = outcomes
  if (first === undefined) throw new Error('no seed')
  const average = (pick: (outcome: Outcome) => number): number =>
    outcomes.reduce((sum, outcome) => sum + pick(outcome), 0) / outcomes.length
  return {
    offered: average((o) => o.offered),
    admitted: average((o) => o.admitted),
    meanOver: average((o) => o.meanOver),
    worstOver: Math.max(...outcomes.map((o) => o.worstOver)),
    fullestMinute: Math.max(...outcomes.map((o) => o.fullestMinute)),
    refusedShare: average((o) => o.refusedShare),
    writesPerThousand: average((o) => o.writesPerThousand),
    listsPerThousand: average((o) => o.listsPerThousand),
    getsPerThousand: average((o) => o.getsPerThousand),
    tooManyWrites: average((o) => o.tooManyWrites),
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`

print(`Limit ${BASE.limit} requests a minute, KV 60 s stale, steady demand of 10 times the limit.`)
print('Admitted above the limit in the mean, and in the worst 60 s after the first minutes:\n')
print(`| design | ${ISOLATES.map((isolates) => `N=${isolates}`).join(' | ')} |`)
print(`|---|${ISOLATES.map(() => '---|').join('')}`)
for (const contender of [getAndPut, memoryOnly, fleetShare('strict'), fleetShare(), fleetShare('lenient')]) {
  const cells = []
  for (const isolates of ISOLATES) {
    // oxlint-disable-next-line no-await-in-loop -- the rows come out in order
    const { meanOver, worstOver } = await mean({ ...BASE, isolates }, contender)
    cells.push(`${percent(meanOver)} (${percent(worstOver)})`)
  }
  print(`| ${contender.name} | ${cells.join(' | ')} |`)
}

print('\nfleet-share (balanced), 8 isolates if nothing else is said:\n')
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
  ['75 % that moves once', { demand: 0.75, traffic: 'moves', isolates: 2 }],
  ['10 ×, KV 5 s stale', { visibilityDelayMs: 5_000 }],
]
for (const [name, change] of scenarios) {
  // oxlint-disable-next-line no-await-in-loop -- the rows come out in order
  const o = await mean({ ...BASE, ...change }, fleetShare())
  const rates = `${o.writesPerThousand.toFixed(0)} | ${o.listsPerThousand.toFixed(0)}`
  print(
    `| ${name} | ${percent(o.meanOver)} | ${percent(o.worstOver)} | ${percent(o.refusedShare)} | ${rates} |`,
  )
}
