/**
 * Admits a request by its key's budget and limits, and settles its cost when it has ended. This file knows no HTTP: the
 * stage renders the decision.
 */
import { orServiceUnavailable } from '../keys/service-unavailable.ts'
import type { Ledger } from '../records/usage-ledger.ts'
import { costOf, type Prices } from '../models.ts'
import type { Usage } from '../wire/usage.ts'
import type { Budgets, Spent } from './budget.ts'
import type { Admitted, Limiter, Refused, TooLarge, WaitUntil } from './decision.ts'
import type { CompletionForecast } from './forecast.ts'
import type { Limits } from './limits.ts'

/** The parts of an isolate that decide on a request and count it. */
export interface AdmissionParts {
  limiter: Limiter
  forecast: CompletionForecast
  budgets: Budgets
  ledger: Pick<Ledger, 'add'>
}

/** The facts of a request that the limits and the budget are applied to. */
export interface RequestToAdmit {
  keyId: string
  limits: Limits
  prices: Prices
  /** Estimates the prompt. It is called only where a limit or a charge needs the estimate: a long prompt takes time. */
  promptTokens: () => number
  /** The caller's cap on the completion tokens of one choice. */
  tokenCap: number | undefined
  choices: number
}

/** The end of an answer, and its usage. */
export interface Settlement {
  /** The usage as the upstream reported it; `null` where it is not known. */
  usage: Usage | null
  /** Whether the upstream failed, before its answer or within it. */
  failed: boolean
  /**
   * Completion tokens that were seen of an incomplete answer, at least 0. Without a usage the key is charged these and the
   * prompt's estimate. With neither, a failed request costs nothing, and an answered request is counted as unmetered.
   */
  seenTokens?: number | undefined
}

/** Books the end of a request. Only the first call counts. */
export type Settle = (settlement: Settlement) => void

export type Admission =
  | { decision: Admitted; settle: Settle }
  | { decision: Refused | TooLarge }
  | { decision: Spent }

const NO_TOKENS: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }

/** Whether the key's limits need the usage of each answer as soon as the answer ends. */
export function needsUsage({ tokensPerMinute, budget }: Limits): boolean {
  return tokensPerMinute !== undefined || budget !== undefined
}

/**
 * Decides on a request, and reserves its expected cost.
 *
 * @throws GatewayError `budget_unavailable` where nothing is known of the key's spending.
 */
export async function admit(
  request: RequestToAdmit,
  { limiter, forecast, budgets, ledger }: AdmissionParts,
  clock: () => number,
  waitUntil: WaitUntil,
): Promise<Admission> {
  const { keyId, limits, prices, tokenCap, choices } = request
  const usageOf = (completionTokens: number): Usage => ({
    promptTokens: request.promptTokens(),
    cachedTokens: 0,
    completionTokens,
    reasoningTokens: 0,
  })
  const expected = needsUsage(limits) ? usageOf(forecast.reserve(keyId, tokenCap, choices)) : NO_TOKENS
  const expectedMicroUsd = costOf(expected, prices)
  const { budget } = limits
  const spending =
    budget &&
    (await orServiceUnavailable(
      budgets.check(keyId, budget, expectedMicroUsd, clock(), waitUntil),
      'budget_unavailable',
    ))
  if (spending?.isSpent) return { decision: spending }
  const cost = { requests: 1, tokens: tokensOf(expected) } as const
  const checking = limiter.check(keyId, limits, cost, clock(), waitUntil)
  // Most limiters answer at once. An `await` that is not needed would cost every request a turn of the microtask queue.
  const decision = checking instanceof Promise ? await checking : checking
  if (!decision.admitted) {
    spending?.settle(0)
    return { decision }
  }

  let isSettled = false
  return {
    decision,
    settle({ usage, failed, seenTokens }) {
      if (isSettled) return
      isSettled = true
      if (usage !== null) forecast.learn(keyId, usage.completionTokens, choices)
      const taken = usage ?? (seenTokens === undefined ? null : usageOf(seenTokens))
      const costMicroUsd = taken === null ? 0 : costOf(taken, prices)
      const actualTokens = taken === null ? expected.promptTokens : tokensOf(taken)
      const settling = limiter.settle(decision.reservation, actualTokens, clock())
      if (settling instanceof Promise) waitUntil(settling)
      spending?.settle(costMicroUsd)
      const unmetered = taken === null && !failed ? 1 : 0
      const entry = { ...taken, requests: 1, failures: failed ? 1 : 0, costMicroUsd, unmetered }
      ledger.add(keyId, entry, clock(), waitUntil)
    },
  }
}

function tokensOf({ promptTokens, completionTokens }: Usage): number {
  return promptTokens + completionTokens
}
