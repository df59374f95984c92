/** Answers about usage, and about where limits stand. Fields that no page shows are not named. */
import * as z from 'zod/mini'
import { limitsSchema } from '../../../limits/limits.ts'

const totalsShape = {
  requests: z.number(),
  failures: z.number(),
  refused: z.number(),
  promptTokens: z.number(),
  cachedTokens: z.number(),
  completionTokens: z.number(),
  reasoningTokens: z.number(),
  costUsd: z.number(),
  pending: z.number(),
  estimated: z.number(),
  estimatedUsd: z.number(),
  /** With `priceAs` alone. */
  pricedAsUsd: z.optional(z.number()),
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
/** Groups have the same fields as keys. */
export type GroupTotals = KeyTotals

/** The requests that had no such tag have no value. */
const tagTotals = z.object({ value: z.nullable(z.string()), ...totalsShape })
export type TagTotals = z.output<typeof tagTotals>

/** The names of tags and their values, as the requests had them. */
const taggedTotals = z.object({ tags: z.record(z.string(), z.string()), ...totalsShape })
export type TaggedTotals = z.output<typeof taggedTotals>

function usagePage<Row extends z.ZodMiniType>(row: Row) {
  return z.object({
    data: z.array(row),
    total: totals,
    /** The names of tags that the gateway counts. */
    usageTags: z.array(z.string()),
    nextCursor: z.nullable(z.string()),
  })
}

export const usageByDay = usagePage(dayTotals)
export const usageByModel = usagePage(modelTotals)
export const usageByKey = usagePage(keyTotals)
export const usageByGroup = usageByKey
export const usageByTag = usagePage(tagTotals)

const limitsLeftShape = {
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
}
const limitsNowShape = { asOf: z.string(), ...limitsLeftShape }
const limitsNow = z.object(limitsNowShape)
export type LimitsNow = z.output<typeof limitsNow>

/** `GET /admin/keys/{id}/usage`, and a group's. */
export const rangeUsage = z.object({
  ...limitsNowShape,
  total: totals,
  models: z.array(modelTotals),
  days: z.array(dayTotals),
  tags: z.array(taggedTotals),
  deletedAt: z.optional(z.string()),
})
export type RangeUsage = z.output<typeof rangeUsage>

/** `GET /v1/usage` */
export const holderUsage = z.object({
  ...limitsNowShape,
  /** What all keys of the key's group may use together. */
  group: z.optional(z.object({ name: z.string(), ...limitsLeftShape })),
  today: totals,
  month: totals,
  models: z.array(modelTotals),
  days: z.array(dayTotals),
  tags: z.array(taggedTotals),
})
export type HolderUsage = z.output<typeof holderUsage>
