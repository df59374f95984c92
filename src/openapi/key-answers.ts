/** Answers on the records of keys and groups. */
import * as z from 'zod/mini'
import { viewShape } from '../keys/api-key.ts'
import { limitShape } from '../limits/limits.ts'
import { date, deletedAt, nextCursor, text, usd } from './answer-fields.ts'

export const createdKey = z.object({
  ...viewShape(),
  secret: text('The bearer string of the key. No other answer has it.'),
})

export const rotatedKey = z.extend(createdKey, {
  previousValidUntil: z
    .nullable(z.iso.datetime())
    .check(z.describe('How long the old secret stays good; null where it has ended.')),
})

export const deletedKey = z.object({
  id: z.string(),
  deleted: z.literal(true),
  usageKeptUntil: date('The UTC day until which reports show the key’s usage.'),
})

const costsShape = {
  todayCostUsd: usd('The cost of the UTC day so far, in dollars.'),
  monthCostUsd: usd('The cost of the UTC month so far, in dollars.'),
}

export const keyPage = z.object({
  data: z.array(z.object({ ...viewShape(), ...costsShape, deletedAt })),
  nextCursor,
})

export const group = z.object({
  ...z.pick(z.object(viewShape()), { id: true, name: true, createdAt: true }).shape,
  limits: z.omit(z.strictObject(limitShape()), { completionTokensPerRequest: true, mode: true }),
})

export const deletedGroup = z.extend(deletedKey, {
  usageKeptUntil: date('The UTC day until which reports show the group’s usage.'),
})

export const groupPage = z.object({ data: z.array(z.extend(group, costsShape)), nextCursor })
