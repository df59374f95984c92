/** The answers of the gateway that the pages read. Fields that no page shows are not named. */
import * as z from 'zod/mini'
import { apiKeyView, viewShape } from '../../keys/api-key.ts'
import { limitsSchema } from '../../limits/limits.ts'

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

export const key = apiKeyView
export type Key = z.output<typeof key>

export const createdKey = z.object({ ...viewShape(), secret: z.string() })
export const rotatedKey = z.object({
  ...viewShape(),
  secret: z.string(),
  previousValidUntil: z.nullable(z.string()),
})
export const deletedKey = z.object({ id: z.string(), usageKeptUntil: z.string() })

const listedKey = z.object({
  ...viewShape(),
  todayCostUsd: z.number(),
  monthCostUsd: z.number(),
  deletedAt: z.optional(z.string()),
})
export type ListedKey = z.output<typeof listedKey>
export const keyPage = z.object({ data: z.array(listedKey), nextCursor: z.nullable(z.string()) })

/** A group of keys. */
export const group = z.object({
  id: z.string(),
  name: z.string(),
  createdAt: z.string(),
  limits: limitsSchema,
})
export type Group = z.output<typeof group>
export const deletedGroup = z.object({ id: z.string(), usageKeptUntil: z.string() })

const listedGroup = z.extend(group, { todayCostUsd: z.number(), monthCostUsd: z.number() })
export type ListedGroup = z.output<typeof listedGroup>
export const groupPage = z.object({ data: z.array(listedGroup), nextCursor: z.nullable(z.string()) })

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

const bookingShape = {
  promptTokens: z.number(),
  cachedTokens: z.number(),
  completionTokens: z.number(),
  reasoningTokens: z.number(),
  costUsd: z.number(),
  certainty: z.enum(['exact', 'pending', 'estimated']),
}
const requestShape = { id: z.string(), at: z.string() }
const refusedRequest = z.object({
  ...requestShape,
  state: z.literal('refused'),
  status: z.number(),
  code: z.nullable(z.string()),
  limit: z.nullable(
    z.object({
      name: z.string(),
      limit: z.number(),
      used: z.number(),
      /** Whose limit it is. */
      of: z.enum(['key', 'group']),
    }),
  ),
})
const admittedShape = { ...requestShape, model: z.string(), admittedBy: z.enum(['account', 'isolate']) }
const settledRequest = z.object({
  ...admittedShape,
  ...bookingShape,
  state: z.literal('settled'),
  status: z.number(),
  reason: z.nullable(z.string()),
  firstOutputMs: z.nullable(z.number()),
  durationMs: z.number(),
  logId: z.nullable(z.string()),
})
const openRequest = z.object({ ...admittedShape, state: z.literal('under_way'), worstCaseUsd: z.number() })
const expiredRequest = z.object({ ...admittedShape, ...bookingShape, state: z.enum(['expired', 'pending']) })
const releasedRequest = z.object({ ...admittedShape, state: z.literal('released') })

/** A request, as `GET /admin/requests/{id}` and the lists of requests tell it. */
const requestRecord = z.discriminatedUnion('state', [
  refusedRequest,
  settledRequest,
  openRequest,
  expiredRequest,
  releasedRequest,
])
export type RequestRecord = z.output<typeof requestRecord>
export const requestList = z.object({ data: z.array(requestRecord) })
export const requestAnswer = z.intersection(requestRecord, z.object({ keyId: z.string() }))
export type RequestAnswer = z.output<typeof requestAnswer>

/** `GET /admin/keys/{id}/minutes` */
export const minuteList = z.object({
  data: z.array(
    z.object({
      minute: z.string(),
      requests: z.number(),
      refused: z.number(),
      tokens: z.number(),
      costUsd: z.number(),
    }),
  ),
})
