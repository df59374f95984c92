/** Fields that many answers have, with their descriptions. */
import * as z from 'zod/mini'

export const text = (description: string) => z.string().check(z.describe(description))
export const count = (description: string) => z.int().check(z.minimum(0), z.describe(description))
export const usd = (description: string) => z.number().check(z.minimum(0), z.describe(description))
export const ms = (description: string) => z.number().check(z.minimum(0), z.describe(description))
export const time = (description: string) => z.iso.datetime().check(z.describe(description))
export const date = (description: string) => z.iso.date().check(z.describe(description))

export const deletedAt = z.optional(time('The time of the deletion.'))

export const nextCursor = z
  .nullable(z.string())
  .check(z.describe('The `cursor` of the next page; null on the last page.'))
