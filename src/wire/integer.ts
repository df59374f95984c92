/** A JSON integer as OpenAI's schema has it: whole, and of any size. */
import * as z from 'zod/mini'

/** A whole number from `minimum` to `maximum`, both included. The defaults are no bounds. */
export function integer(minimum = -Infinity, maximum = Infinity): z.ZodMiniNumber<number> {
  return z.number('an integer').check(isWhole, z.minimum(minimum), z.maximum(maximum))
}

/** `z.int()` ends at 2⁵³, and a `seed` may have 63 bits. */
function isWhole({ value, issues }: z.core.ParsePayload<number>): void {
  if (!Number.isInteger(value)) issues.push({ code: 'invalid_type', expected: 'int', input: value })
}
