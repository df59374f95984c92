/** Answers about the deployment: its health, its alerts and its models. Fields that no page shows are not named. */
import * as z from 'zod/mini'

/** `GET /admin/health` */
const partShape = {
  state: z.enum(['ok', 'failed', 'unknown']),
  reason: z.optional(z.string()),
  action: z.optional(z.string()),
}
const timedPart = z.object({ ...partShape, ms: z.number() })
const seenPart = z.object({
  ...partShape,
  lastAnswerAt: z.nullable(z.string()),
  lastFailureAt: z.nullable(z.string()),
})
export const health = z.object({
  state: z.enum(['ok', 'degraded']),
  at: z.string(),
  parts: z.object({ kv: timedPart, accounts: timedPart, directory: timedPart, upstream: seenPart }),
})
export type Health = z.output<typeof health>

/** `POST /admin/alerts/test` */
export const testedAlert = z.object({
  state: z.enum(['delivered', 'failed', 'off']),
  status: z.nullable(z.number()),
  ms: z.nullable(z.number()),
  signed: z.boolean(),
  reason: z.optional(z.string()),
  action: z.optional(z.string()),
})
export type TestedAlert = z.output<typeof testedAlert>

/** `GET /admin/models` */
const listedModel = z.object({
  id: z.string(),
  slug: z.string(),
  configuredAs: z.string(),
  shutdownDate: z.nullable(z.string()),
})
export type ListedModel = z.output<typeof listedModel>
export const modelList = z.object({ data: z.array(listedModel), successors: z.array(z.string()) })

const rates = { input: z.number(), cached_input: z.number(), cache_write: z.number(), output: z.number() }
/** `GET /v1/models/{id}` */
export const modelEntry = z.object({
  usd_per_million_tokens: z.object({
    ...rates,
    long_context: z.optional(z.object({ above_tokens: z.number(), ...rates })),
  }),
})
export type ModelEntry = z.output<typeof modelEntry>
