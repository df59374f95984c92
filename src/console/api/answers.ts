/** The answers of the gateway that the pages read. Fields that no page shows are not named. */
import * as z from 'zod/mini'
import { apiKeyView } from '../../keys/api-key.ts'
import { limitsSchema } from '../../limits/limits.ts'

const totalsShape = {
  requests: z.number(),
  failures: z.number(),
  promptTokens: z.number(),
  cachedTokens: z.number(),
  completionTokens: z.number(),
  reasoningTokens: z.number(),
  costUsd: z.number(),
  pending: z.number(),
  estimated: z.number(),
  estimatedUsd: z.number(),
}

export const totals = z.object(totalsShape)
export type Totals = z.output<typeof totals>

const modelTotals = z.object({ model: z.string(), ...totalsShape })
export type ModelTotals = z.output<typeof modelTotals>

const dayTotals = z.object({ date: z.string(), ...totalsShape })
export type DayTotals = z.output<typeof dayTotals>

const keyTotals = z.object({
  id: z.string(),
  name: z.nullable(z.string()),
  deletedAt: z.optional(z.string()),
  ...totalsShape,
})
export type KeyTotals = z.output<typeof keyTotals>

function usagePage<Row extends z.ZodMiniType>(row: Row) {
  return z.object({ data: z.array(row), total: totals, nextCursor: z.nullable(z.string()) })
}

export const usageByDay = usagePage(dayTotals)
export const usageByModel = usagePage(modelTotals)
export const usageByKey = usagePage(keyTotals)

export const key = apiKeyView
export type Key = z.output<typeof key>

export const createdKey = z.extend(apiKeyView, { secret: z.string() })
export const rotatedKey = z.extend(apiKeyView, {
  secret: z.string(),
  previousValidUntil: z.nullable(z.string()),
})
export const deletedKey = z.object({ id: z.string(), usageKeptUntil: z.string() })

const listedKey = z.extend(apiKeyView, { todayCostUsd: z.number(), deletedAt: z.optional(z.string()) })
export type ListedKey = z.output<typeof listedKey>
export const keyPage = z.object({ data: z.array(listedKey), nextCursor: z.nullable(z.string()) })

/** `GET /admin/keys/{id}/usage` */
export const keyUsage = z.object({
  total: totals,
  models: z.array(modelTotals),
  days: z.array(dayTotals),
  deletedAt: z.optional(z.string()),
})

/** `GET /v1/usage` */
export const holderUsage = z.object({
  asOf: z.string(),
  limits: limitsSchema,
  remaining: z.object({
    requestsPerMinute: z.optional(z.number()),
    tokensPerMinute: z.optional(z.number()),
    requestsPerDay: z.optional(z.number()),
    concurrentRequests: z.optional(z.number()),
    budgetUsd: z.optional(z.number()),
  }),
  renewsAt: z.object({
    requestsPerMinute: z.optional(z.string()),
    tokensPerMinute: z.optional(z.string()),
    requestsPerDay: z.optional(z.string()),
    budgetUsd: z.nullish(z.string()),
  }),
  today: totals,
  month: totals,
  models: z.array(modelTotals),
  days: z.array(dayTotals),
})
export type HolderUsage = z.output<typeof holderUsage>

export const models = z.object({ data: z.array(z.object({ id: z.string() })) })
