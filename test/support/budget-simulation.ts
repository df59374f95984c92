/**
 * A discrete-event simulation of one key's spending over isolates that share a KV which spreads changes late. Every isolate
 * is a location of its own, the worst case. Seeded: the same scenario gives the same result.
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
  /** Default 60,000 ms. */
  readonly visibilityDelayMs?: number
}

export interface BudgetOutcome {
  readonly spentMicroUsd: number
  /** How long after the fleet's settled spending had reached the budget the last request was admitted; negative: before. */
  readonly lastAdmittedAfterMs: number
  /** What was under way then, that which reached it included. */
  readonly underWayMicroUsd: number
  readonly refused: number
  readonly listsAnIsolateAndMinute: number
}

/** A request takes up to this long, ms, and costs from half of the estimate to one and a half. */
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
    .toSorted((one, other) => one.endsAtMs - other.endsAtMs)
    .find(({ microUsd }) => (settledMicroUsd += microUsd) >= budgetMicroUsd)
  const reachedAtMs = reached?.endsAtMs ?? Infinity
  const costOf = (some: readonly Request[]): number => some.reduce((sum, { microUsd }) => sum + microUsd, 0)
  return {
    spentMicroUsd: costOf(requests),
    lastAdmittedAfterMs: Math.max(...requests.map(({ admittedAtMs }) => admittedAtMs)) - reachedAtMs,
    underWayMicroUsd: costOf(
      requests.filter((one) => one.admittedAtMs <= reachedAtMs && one.endsAtMs >= reachedAtMs),
    ),
  }
}
