/** The true usage and cost of a request, from the record of it in AI Gateway's log. */
import type { Prices } from '../models/prices.ts'
import { field } from '../wire/field.ts'
import { parseUsage } from '../wire/usage.ts'
import { bookedUsage } from './booked-usage.ts'
import type { BookedUsage } from './protocol.ts'

/**
 * `null` where the record lacks a token count that is a whole number of at least 0. The log has no cached,
 * no cache-write and no reasoning tokens, so the whole prompt has the price of the input. AI Gateway charges nothing for an answer from its cache.
 */
export function logFigures(record: unknown, prices: Prices): BookedUsage | null {
  const usage = parseUsage({
    prompt_tokens: field(record, 'tokens_in'),
    completion_tokens: field(record, 'tokens_out'),
  })
  return usage && bookedUsage(usage, field(record, 'cached') === true ? null : prices)
}
