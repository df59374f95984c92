/** What the operator may limit for a key, as a schema: the admin routes, the key's record and the vars share it. */
import * as z from 'zod/mini'
import { integer } from '../wire/integer.ts'

/** The largest limit. It is far above what one account serves, and it keeps sums of counts exact. */
export const LIMIT_MAX = 1_000_000_000

/** The largest budget, in dollars. */
export const BUDGET_USD_MAX = 1_000_000

export const limitShape = {
  requestsPerMinute: z.optional(integer(1, LIMIT_MAX)),
  /** From 00:00 UTC. */
  requestsPerDay: z.optional(integer(1, LIMIT_MAX)),
  /** Prompt and completion together. */
  tokensPerMinute: z.optional(integer(1, LIMIT_MAX)),
  mode: z.optional(z.enum(['strict', 'balanced', 'lenient'])),
  /** Dollars to spend from 00:00 UTC, from the first of the month, or in the key's life; at least one micro-dollar. */
  budget: z.optional(
    z.strictObject({
      usd: z.number().check(z.minimum(0.000_001), z.maximum(BUDGET_USD_MAX)),
      period: z.enum(['day', 'month', 'total']),
    }),
  ),
}

/** Limits of a key. A limit that is not set is the gateway's default, and without one there is none. */
export const limitsSchema = z.strictObject(limitShape)
export type Limits = z.output<typeof limitsSchema>
export type Budget = NonNullable<Limits['budget']>
