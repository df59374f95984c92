/** Answers on single requests, on minutes, and on what works now. */
import * as z from 'zod/mini'
import { count, ms, text, time, usd } from './answer-fields.ts'

const requestShape = { id: text('The request’s id.'), at: time('When it was admitted or refused.') }

const refusedShape = {
  ...requestShape,
  state: z.literal('refused'),
  status: z.int(),
  code: z.nullable(z.string()),
  limit: z
    .nullable(
      z.object({
        name: z.string(),
        limit: z.number(),
        used: z.number(),
        of: z.enum(['key', 'group']).check(z.describe('Whose limit it is.')),
      }),
    )
    .check(z.describe('The limit that has refused it, in the unit of the limit.')),
}

const admittedShape = {
  ...requestShape,
  model: z.string(),
  admittedBy: z.enum(['account', 'isolate']).check(z.describe('Who has decided.')),
}

const bookingShape = {
  promptTokens: count('Prompt tokens, cached ones included.'),
  cachedTokens: count('Cached prompt tokens.'),
  completionTokens: count('Completion tokens, reasoning included.'),
  reasoningTokens: count('Reasoning tokens.'),
  costUsd: usd('The cost in dollars.'),
  certainty: z.enum(['exact', 'pending', 'estimated']),
}

const settledShape = {
  ...admittedShape,
  ...bookingShape,
  state: z.literal('settled'),
  status: z.int(),
  reason: z.nullable(z.string()).check(z.describe('Why it failed.')),
  firstOutputMs: z.nullable(z.number()).check(z.describe('Milliseconds until the first output.')),
  durationMs: ms('Milliseconds until its end.'),
  logId: z.nullable(z.string()).check(z.describe('The entry in AI Gateway’s log.')),
}

const underWayShape = {
  ...admittedShape,
  state: z.literal('under_way'),
  worstCaseUsd: usd('The most that it can cost.'),
}
const lostShape = { ...admittedShape, ...bookingShape, state: z.enum(['expired', 'pending']) }
const releasedShape = { ...admittedShape, state: z.literal('released') }

export const listedRequest = z.union([z.object(refusedShape), z.object(settledShape)])

export const ownRequests = z.object({ data: z.array(listedRequest) })
export const keyRequests = z.object({ id: text('The key’s id.'), data: z.array(listedRequest) })

const keyId = text('The key’s id.')

export const requestReport = z.union([
  z.object({ keyId, ...refusedShape }),
  z.object({ keyId, ...settledShape }),
  z.object({ keyId, ...underWayShape }),
  z.object({ keyId, ...lostShape }),
  z.object({ keyId, ...releasedShape }),
])

export const keyMinutes = z.object({
  id: text('The key’s id.'),
  data: z.array(
    z.object({
      minute: time('The beginning of the minute.'),
      requests: count('Requests that were admitted.'),
      refused: count('Requests that a limit or the budget has refused.'),
      tokens: count('Tokens of the admitted ones.'),
      costUsd: usd('Their cost in dollars.'),
    }),
  ),
})

const partShape = {
  state: z.enum(['ok', 'failed', 'unknown']),
  reason: z.optional(text('Why it failed.')),
  action: z.optional(text('What the operator can do.')),
}
const timedPart = z.object({ ...partShape, ms: ms('Milliseconds until its answer.') })

export const healthReport = z.object({
  state: z.enum(['ok', 'degraded']),
  at: time('The time of the report.'),
  parts: z.object({
    kv: timedPart,
    accounts: timedPart,
    directory: timedPart,
    upstream: z.object({
      ...partShape,
      lastAnswerAt: z.nullable(z.iso.datetime()),
      lastFailureAt: z.nullable(z.iso.datetime()),
    }),
  }),
})
