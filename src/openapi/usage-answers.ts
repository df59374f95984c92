/** Answers on usage: of a key, of a group, and of all of them. */
import * as z from 'zod/mini'
import { GROUPINGS } from '../accounts/usage-list.ts'
import { limitsSchema } from '../limits/limits.ts'
import { count, date, deletedAt, nextCursor, text, time, usd } from './answer-fields.ts'
import { otherModelShape } from './answers.ts'

const totalsShape = {
  requests: count('Requests that have reached the model.'),
  failures: count('Of these, requests that the upstream has failed.'),
  refused: count('Requests that limits or the budget have refused. They have no model.'),
  promptTokens: count('Prompt tokens, cached ones included.'),
  cachedTokens: count('Cached prompt tokens.'),
  completionTokens: count('Completion tokens, reasoning included.'),
  reasoningTokens: count('Reasoning tokens.'),
  costUsd: usd('The cost in dollars.'),
  pending: count('Requests whose usage AI Gateway’s log can still correct.'),
  estimated: count('Requests whose usage stays estimated.'),
  estimatedUsd: usd('The part of the cost that is pending or estimated.'),
  pricedAsUsd: z.optional(usd('With `priceAs`: the cost of these tokens on that model.')),
}

export const totals = z.object(totalsShape)
export const modelTotals = z.object({ model: z.string(), ...totalsShape })
const taggedTotals = z
  .array(
    z.object({
      tags: z.record(z.string(), z.string()).check(z.describe('Values by name.')),
      ...totalsShape,
    }),
  )
  .check(z.describe('Each combination of tags, the dearest first. Requests without tags are in none.'))
export const dayTotals = z.object({
  date: date('The UTC day.'),
  ...totalsShape,
  models: z.array(modelTotals),
})

const minuteShape = {
  requestsPerMinute: z.optional(count('In any 60 seconds.')),
  tokensPerMinute: z.optional(count('In any 60 seconds.')),
  requestsPerDay: z.optional(count('Until 00:00 UTC.')),
  concurrentRequests: z.optional(count('Beside those under way.')),
}

const limitsNowShape = {
  asOf: time('The time of the figures.'),
  limits: limitsSchema,
  remaining: z
    .object({ ...minuteShape, budgetUsd: z.optional(usd('Dollars that are left.')) })
    .check(z.describe('What is left of each limit that is set.')),
  renewsAt: z
    .object({
      requestsPerMinute: z.optional(z.iso.datetime()),
      tokensPerMinute: z.optional(z.iso.datetime()),
      requestsPerDay: z.optional(z.iso.datetime()),
      budgetUsd: z
        .optional(z.nullable(z.iso.datetime()))
        .check(z.describe('Null for a budget over the key’s life.')),
    })
    .check(z.describe('When each limit is free again.')),
}

const pricedAs = z.optional(
  z
    .object({
      ...otherModelShape,
      leftOut: z.array(z.string()).check(z.describe('Prices of the model that sums of tokens cannot apply.')),
    })
    .check(z.describe('With `priceAs`: the other model.')),
)

export const holderUsage = z.object({
  ...limitsNowShape,
  group: z
    .optional(
      z.object({
        name: text('The name of the group.'),
        limits: limitsNowShape.limits,
        remaining: limitsNowShape.remaining,
        renewsAt: limitsNowShape.renewsAt,
      }),
    )
    .check(z.describe('For a key in a group: the limits of all its keys together, and what is left.')),
  today: totals,
  month: totals,
  models: z.array(modelTotals),
  tags: taggedTotals,
  days: z.array(dayTotals),
})

export const keyUsage = z.object({
  id: z.string(),
  deletedAt,
  from: date('The first UTC day.'),
  to: date('The last UTC day.'),
  ...limitsNowShape,
  pricedAs,
  total: totals,
  models: z.array(modelTotals),
  tags: taggedTotals,
  days: z.array(dayTotals),
})

export const usagePage = z.object({
  from: date('The first UTC day.'),
  to: date('The last UTC day.'),
  by: z.enum(GROUPINGS),
  tag: z.optional(text('With `by=tag`: the tag.')),
  usageTags: z.array(z.string()).check(z.describe('The names of tags in the var `USAGE_TAGS`.')),
  pricedAs,
  data: z.array(
    z.union([
      z.object({ date: date('With `by=day`.'), ...totalsShape }),
      z.object({
        id: text('With `by=key` or `by=group`.'),
        name: z
          .nullable(z.string())
          .check(z.describe('Null for a key or group that the directory does not know yet.')),
        deletedAt,
        ...totalsShape,
      }),
      z.object({ model: text('With `by=model`.'), ...totalsShape }),
      z.object({
        value: z.nullable(z.string()).check(z.describe('With `by=tag`: null for requests without the tag.')),
        ...totalsShape,
      }),
    ]),
  ),
  total: totals,
  nextCursor,
})
