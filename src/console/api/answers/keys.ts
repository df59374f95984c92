/** Answers about keys and groups. Fields that no page shows are not named. */
import * as z from 'zod/mini'
import { apiKeyView, viewShape } from '../../../keys/api-key.ts'
import { limitsSchema } from '../../../limits/limits.ts'

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
