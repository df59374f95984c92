/** Isolates that keep one ledger over a KV double, each in a location of its own. */

import { createBudgets } from '../../src/limits/budget.ts'
import type { Budgets } from '../../src/limits/budget.ts'
import { createLedger } from '../../src/records/usage-ledger.ts'
import type { Ledger } from '../../src/records/usage-ledger.ts'
import type { Totals } from '../../src/records/usage-totals.ts'
import { KvDouble } from './kv-double.ts'
import type { KvDoubleOptions } from './kv-double.ts'
import { asKVNamespace } from './kv-namespace.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface LedgerIsolate {
  readonly kv: KVNamespace
  readonly ledger: Ledger
  readonly budgets: Budgets
  /** Adds now; by default one request of 10 micro-dollars. */
  readonly add: (keyId?: string, entry?: Partial<Totals>) => void
  /** The cost in micro-dollars of all days of a key. */
  readonly costOf: (keyId?: string) => Promise<number>
}

export const KEY = 'keykeykeykey'
export const ENTRY = { requests: 1, promptTokens: 7, completionTokens: 2, costMicroUsd: 10 }

export class LedgerFleet {
  readonly clock: VirtualClock
  readonly kv: KvDouble
  /** What was handed to `waitUntil`. */
  readonly background: Promise<unknown>[] = []
  readonly troubles: string[] = []

  constructor(options: Partial<KvDoubleOptions> & { kv?: KvDouble } = {}) {
    this.clock = options.clock ?? new VirtualClock()
    this.kv = options.kv ?? new KvDouble({ ...options, clock: this.clock })
  }

  isolate(location: string): LedgerIsolate {
    const { clock, troubles, background } = this
    const kv = asKVNamespace(this.kv.at(location))
    const sleep = (ms: number): Promise<void> => clock.sleep(ms)
    const onTrouble = (keyId: string, error: unknown): void =>
      void troubles.push(`${keyId}: ${String(error)}`)
    const ledger = createLedger(kv, { clock: () => clock.nowMs, sleep, onTrouble })
    return {
      kv,
      ledger,
      budgets: createBudgets({ ledger, sleep, onTrouble }),
      add: (keyId = KEY, entry = ENTRY) =>
        ledger.add(keyId, entry, clock.nowMs, (work) => background.push(work)),
      async costOf(keyId = KEY) {
        const view = await ledger.look(keyId, '0000-00-00', '9999-99-99')
        return [...view.days().values()].reduce((cost, { costMicroUsd }) => cost + costMicroUsd, 0)
      },
    }
  }
}
