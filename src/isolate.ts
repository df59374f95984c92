/** What one isolate remembers of its keys: their limits' counts, their forecasts, their usage and their budgets. */
import { causeOf, log } from './log.ts'
import { createLedger, type Ledger } from './records/usage-ledger.ts'
import { createBudgets, type Budgets } from './limits/budget.ts'
import { createDayExchange, createMinuteExchange } from './limits/shard-store.ts'
import { CompletionForecast } from './limits/forecast.ts'
import { createLimiter, type FleetShareLimiter } from './limits/limiter.ts'

export interface Memory {
  limiter: FleetShareLimiter
  forecast: CompletionForecast
  ledger: Ledger
  budgets: Budgets
}

/** One for each namespace, and so one an isolate: what it remembers is what it decides by. */
const memories = new WeakMap<KVNamespace, Memory>()

export function memoryOf(kv: KVNamespace): Memory {
  let memory = memories.get(kv)
  if (memory === undefined) {
    memory = createMemory(kv)
    memories.set(kv, memory)
  }
  return memory
}

function createMemory(kv: KVNamespace): Memory {
  const ledger = createLedger(kv, { onTrouble: tellOf('usage_write') })
  return {
    limiter: createLimiter({
      minutes: createMinuteExchange(kv),
      days: createDayExchange(kv),
      onTrouble({ keyId, operation, failures, reason }) {
        // The first in a row says it all: the pauses that follow are the same trouble.
        if (failures === 1) tellOf(`limits_${operation}`)(keyId, reason)
      },
    }),
    forecast: new CompletionForecast(),
    ledger,
    budgets: createBudgets({ ledger, onTrouble: tellOf('budget_look') }),
  }
}

function tellOf(what: string) {
  return function tell(keyId: string, error: unknown): void {
    log({ event: 'trouble', what, keyId, cause: causeOf(error) })
  }
}
