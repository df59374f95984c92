/** The schema of a key's limits. The admin routes, the key's record and the vars share it. */
import * as z from 'zod/mini'
import { integer } from '../wire/integer.ts'

/** The largest limit. It is far above the traffic of one account, and it keeps sums of counts exact. */
export const LIMIT_MAX = 1_000_000_000

/** The largest budget, in dollars. */
export const BUDGET_USD_MAX = 1_000_000

export const limitShape = {
  requestsPerMinute: z.optional(integer(1, LIMIT_MAX)),
  /** From 00:00 UTC. */
  requestsPerDay: z.optional(integer(1, LIMIT_MAX)),
  /** Prompt and completion together. */
  tokensPerMinute: z.optional(integer(1, LIMIT_MAX)),
  /** Requests under way at one time. */
  concurrentRequests: z.optional(integer(1, LIMIT_MAX)),
  /** The cap on the completion tokens of one request, over all its choices. */
  completionTokensPerRequest: z.optional(integer(1, LIMIT_MAX)),
  /**
   * `exact`: the key's account counts requests and tokens a minute. Other modes: isolates count through KV, with a tolerance
   * for demand above the limit (`TOLERANCES`). Default `balanced`.
   */
  mode: z.optional(z.enum(['strict', 'balanced', 'lenient', 'exact'])),
  /** Dollars to spend from 00:00 UTC, from the first of the month, or in the key's life; at least one micro-dollar. */
  budget: z.optional(
    z.strictObject({
      usd: z.number().check(z.minimum(0.000_001), z.maximum(BUDGET_USD_MAX)),
      period: z.enum(['day', 'month', 'total']),
    }),
  ),
}

/** Limits of a key. A limit that is not set has the gateway's default; without a default the key has no such limit. */
export const limitsSchema = z.strictObject(limitShape)
export type Limits = z.output<typeof limitsSchema>
export type Mode = NonNullable<Limits['mode']>
export type Budget = NonNullable<Limits['budget']>
