/**
 * Budgets: what a key may spend in a day, a month (both UTC) or altogether, by what this isolate knows of its spending: the
 * ledger as last listed, what was settled here since, and an estimate for every request that is under way here.
 *
 * A request goes on while all that is below the budget. So an isolate alone overshoots by what the requests under way turn
 * out to cost, the last one admitted included. Several overshoot by what the others have spent and it could not see: since
 * its last listing (`LOOK_NEAR_MS` from half of the budget on, `LOOK_FAR_MS` before), in the minute or so that KV takes to
 * show a write, and in the second that the ledger takes to make it. An isolate that sees the key again after a pause also
 * admits what comes while its listing is under way.
 *
 * A budget of kind `total` covers what the ledger remembers: `USAGE_LIFETIME_SECONDS`.
 */
import { dateOf, periodEndMs, periodStartDate } from '../calendar.ts'
import { getOrCreate } from '../lru.ts'
import type { Budget } from './limits.ts'
import { withTimeout } from '../records/reach.ts'
import { sleep, type Sleep } from '../timeout.ts'
import type { Ledger } from '../records/usage-ledger.ts'
import { sumOf } from '../records/usage-totals.ts'
import type { WaitUntil } from './decision.ts'

/** Keys an isolate remembers the spending of. The least recently used one is forgotten. */
export const ACCOUNTS_MAX = 5_000
/** The share of the budget from which on it is near, requests under way included. */
export const BUDGET_NEAR_SHARE = 0.5
/** Time between two listings of a key that is asked for, ms, near its budget and far from it. A spent one needs none. */
export const LOOK_NEAR_MS = 15_000
export const LOOK_FAR_MS = 60_000
/** What a request may wait for the first listing of its key, ms. */
export const LOOK_TIMEOUT_MS = 3_000

/** Whether a request may go on. */
export type Spending =
  | {
      readonly isSpent: false
      /** To be called once, when the request has ended: replaces its estimate by its cost. */
      settle(costMicroUsd: number): void
    }
  | Spent

export interface Spent {
  readonly isSpent: true
  readonly budget: Budget
  /** `null` where it never does. */
  readonly renewsAtMs: number | null
}

export interface BudgetOptions {
  readonly ledger: Pick<Ledger, 'look'>
  /** Default: a timer. */
  readonly sleep?: Sleep
  /** Called when a look at the ledger failed and requests go on without. Default: nothing. */
  readonly onTrouble?: (keyId: string, error: unknown) => void
}

export interface Budgets {
  /**
   * Decides on a request and reserves its estimate. Only what an isolate has never seen of a key, or of its new period, is
   * waited for. Rejects where there is nothing to decide by: the very first look failed.
   */
  check(
    keyId: string,
    budget: Budget,
    estimateMicroUsd: number,
    nowMs: number,
    waitUntil: WaitUntil,
  ): Spending | Promise<Spending>
  readonly size: number
}

/** What is known of one key. */
interface Account {
  /** First date of the period that the rest is about; '' before the first listing. */
  fromDate: string
  listedAtMs: number
  listedMicroUsd: number
  /** Settled here since. */
  hereMicroUsd: number
  /** Estimates of what is under way here, over the end of a period too. */
  reservedMicroUsd: number
  nextLookAtMs: number
}

export function createBudgets({ ledger, sleep: wait = sleep, onTrouble }: BudgetOptions): Budgets {
  const accounts = new Map<string, Account>()

  async function look(keyId: string, account: Account, fromDate: string, nowMs: number): Promise<void> {
    account.nextLookAtMs = nowMs + LOOK_NEAR_MS
    try {
      const view = await withTimeout(ledger.look(keyId, fromDate, dateOf(nowMs)), LOOK_TIMEOUT_MS, wait)
      // A look that began before the last completed look has older data, and is ignored.
      if (nowMs < account.listedAtMs) return
      // The view joins what was counted here up to now, so both change in the same moment.
      const listedMicroUsd = sumOf(view.days().values()).costMicroUsd
      Object.assign(account, { fromDate, listedAtMs: nowMs, listedMicroUsd, hereMicroUsd: 0 })
    } catch (error) {
      if (account.fromDate === '') throw error
      onTrouble?.(keyId, error)
      // A new period begins with nothing spent, as far as is known.
      if (account.fromDate !== fromDate)
        Object.assign(account, { fromDate, listedMicroUsd: 0, hereMicroUsd: 0 })
    }
  }

  return {
    check(keyId, budget, estimateMicroUsd, nowMs, waitUntil) {
      const account = getOrCreate(accounts, keyId, ACCOUNTS_MAX, newAccount)
      const fromDate = periodStartDate(budget.period, nowMs)
      const budgetMicroUsd = budget.usd * 1_000_000
      const decide = (): Spending => {
        const spentMicroUsd = account.listedMicroUsd + account.hereMicroUsd
        if (spentMicroUsd + account.reservedMicroUsd >= budgetMicroUsd)
          return { isSpent: true, budget, renewsAtMs: periodEndMs(budget.period, nowMs) }
        account.reservedMicroUsd += estimateMicroUsd
        return {
          isSpent: false,
          settle(costMicroUsd) {
            account.reservedMicroUsd -= estimateMicroUsd
            account.hereMicroUsd += costMicroUsd
          },
        }
      }
      if (account.fromDate !== fromDate) return look(keyId, account, fromDate, nowMs).then(decide)
      const spentMicroUsd = account.listedMicroUsd + account.hereMicroUsd
      const isNear = spentMicroUsd + account.reservedMicroUsd >= budgetMicroUsd * BUDGET_NEAR_SHARE
      const lookAtMs = account.listedAtMs + (isNear ? LOOK_NEAR_MS : LOOK_FAR_MS)
      if (spentMicroUsd < budgetMicroUsd && nowMs >= Math.max(lookAtMs, account.nextLookAtMs))
        waitUntil(look(keyId, account, fromDate, nowMs))
      return decide()
    },

    get size() {
      return accounts.size
    },
  }
}

function newAccount(): Account {
  return {
    fromDate: '',
    listedAtMs: -Infinity,
    listedMicroUsd: 0,
    hereMicroUsd: 0,
    reservedMicroUsd: 0,
    nextLookAtMs: 0,
  }
}
