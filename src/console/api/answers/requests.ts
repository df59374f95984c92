/** Answers about single requests and minutes. Fields that no page shows are not named. */
import * as z from 'zod/mini'

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
      /** The owner of the limit. */
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
