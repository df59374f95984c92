/** The schema of a key's limits. The admin routes, the key's record and the vars share it. */
import * as z from 'zod/mini'
import type { Period } from '../calendar.ts'
import { integer } from '../wire/integer.ts'

/** The largest limit. It is far above the traffic of one account, and it keeps sums of counts exact. */
export const LIMIT_MAX = 1_000_000_000

/** The smallest budget, in dollars: a micro-dollar. */
export const BUDGET_USD_MIN = 0.000_001
/** The largest budget, in dollars. */
export const BUDGET_USD_MAX = 1_000_000

export const PERIODS = ['day', 'month', 'total'] as const satisfies readonly Period[]

export const MODES = ['strict', 'balanced', 'lenient', 'exact'] as const

/** Made with the lazy schemas that have it. */
export function limitShape() {
  const limit = z.optional(integer(1, LIMIT_MAX))
  return {
    requestsPerMinute: limit,
    /** From 00:00 UTC. */
    requestsPerDay: limit,
    /** Prompt and completion together. */
    tokensPerMinute: limit,
    /** Requests under way at the same time. */
    concurrentRequests: limit,
    /** The most completion tokens that one request may ask for, reasoning included. A request that asks for more gets this cap. */
    completionTokensPerRequest: limit,
    /**
     * The tolerance for demand above the limit while peers' counts are old: see `TOLERANCES`. Default `balanced`. `exact`: the
     * key's account counts, and each request waits for it.
     */
    mode: z.optional(z.enum(MODES)),
    /** Dollars to spend from 00:00 UTC, from the first of the month, or in the key's life. */
    budget: z.optional(
      z.strictObject({
        usd: z.number().check(z.minimum(BUDGET_USD_MIN), z.maximum(BUDGET_USD_MAX)),
        period: z.enum(PERIODS),
      }),
    ),
  }
}

/** Limits of a key. A limit that is not set has the gateway's default; without a default the key has no such limit. */
export const limitsSchema = z.lazy(() => z.strictObject(limitShape()))
export type Limits = z.output<typeof limitsSchema>
export type Mode = NonNullable<Limits['mode']>
export type Budget = NonNullable<Limits['budget']>
