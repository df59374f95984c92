/**
 * A discrete-event simulation of one key's spending over several isolates. They share a KV that shows changes late. Every
 * isolate is a location of its own, the worst case. The simulation is seeded: the same scenario gives the same result.
 */

import { KEY, LedgerFleet } from './ledger-fleet.ts'
import type { LedgerIsolate } from './ledger-fleet.ts'
import { seededRandom } from './seeded-random.ts'

export interface BudgetScenario {
  readonly isolates: number
  readonly usd: number
  readonly requestsPerSecond: number
  readonly minutes: number
  readonly seed: number
  /** Other locations see a change after this time, ms. Default 60,000. */
  readonly visibilityDelayMs?: number
}

export interface BudgetOutcome {
  readonly spentMicroUsd: number
  /** Time from the moment when the settled spending reached the budget to the last admission, ms; negative if earlier. */
  readonly lastAdmittedAfterMs: number
  /** The cost of the requests that were pending at that moment, with the request that reached the budget. */
  readonly underWayMicroUsd: number
  readonly refused: number
  readonly listsAnIsolateAndMinute: number
}

/** The longest time of a request, ms. Its cost is 0.5 to 1.5 times the estimate. */
const REQUEST_MAX_MS = 20_000
export const ESTIMATE_MICRO_USD = 2_000

interface Request {
  readonly admittedAtMs: number
  readonly endsAtMs: number
  readonly microUsd: number
}

export async function simulateBudget(scenario: BudgetScenario): Promise<BudgetOutcome> {
  const random = seededRandom(scenario.seed)
  const fleet = new LedgerFleet({ visibilityDelayMs: scenario.visibilityDelayMs ?? 60_000, random })
  const { clock } = fleet
  const isolates = Array.from({ length: scenario.isolates }, (_, at) => fleet.isolate(`isolate${at}`))
  const requests: Request[] = []
  let refused = 0
  const ask = async (isolate: LedgerIsolate): Promise<void> => {
    const budget = { usd: scenario.usd, period: 'month' } as const
    const spending = await isolate.budgets.check(
      KEY,
      budget,
      ESTIMATE_MICRO_USD,
      clock.nowMs,
      () => undefined,
    )
    if (spending.isSpent) {
      refused += 1
      return
    }
    const admittedAtMs = clock.nowMs
    const takesMs = Math.ceil(random() * REQUEST_MAX_MS)
    const microUsd = Math.ceil(ESTIMATE_MICRO_USD * (0.5 + random()))
    requests.push({ admittedAtMs, endsAtMs: admittedAtMs + takesMs, microUsd })
    await clock.sleep(takesMs)
    spending.settle(microUsd)
    isolate.add(KEY, { requests: 1, costMicroUsd: microUsd })
  }
  const endMs = clock.nowMs + scenario.minutes * 60_000
  while (clock.nowMs < endMs) {
    const [first] = isolates
    void ask(isolates[Math.floor(random() * isolates.length)] ?? first ?? fleet.isolate('none'))
    await clock.advance(Math.ceil((-Math.log(1 - random()) * 1_000) / scenario.requestsPerSecond))
  }
  await clock.advance(REQUEST_MAX_MS)
  return {
    ...measured(requests, scenario.usd * 1_000_000),
    refused,
    listsAnIsolateAndMinute: fleet.kv.counts.list / scenario.isolates / scenario.minutes,
  }
}

function measured(requests: readonly Request[], budgetMicroUsd: number) {
  let settledMicroUsd = 0
  const reached = requests
    .toSorted((a, b) => a.endsAtMs - b.endsAtMs)
    .find(({ microUsd }) => (settledMicroUsd += microUsd) >= budgetMicroUsd)
  const reachedAtMs = reached?.endsAtMs ?? Infinity
  const costOf = (some: readonly Request[]): number => some.reduce((sum, { microUsd }) => sum + microUsd, 0)
  return {
    spentMicroUsd: costOf(requests),
    lastAdmittedAfterMs: Math.max(...requests.map(({ admittedAtMs }) => admittedAtMs)) - reachedAtMs,
    underWayMicroUsd: costOf(
      requests.filter(({ admittedAtMs, endsAtMs }) => admittedAtMs <= reachedAtMs && endsAtMs >= reachedAtMs),
    ),
  }
}
