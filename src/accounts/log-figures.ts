/** The true usage and cost of a request, from the record of it in AI Gateway's log. */
import { costOf, type Prices } from '../models.ts'
import { field } from '../wire/field.ts'
import { parseUsage } from '../wire/usage.ts'
import type { BookedUsage } from './protocol.ts'

/**
 * `null` where the record lacks a token count that is a whole number of at least 0. The log has neither cached nor
 * reasoning tokens. AI Gateway charges nothing for an answer from its cache.
 */
export function logFigures(record: unknown, prices: Prices): BookedUsage | null {
  const usage = parseUsage({
    prompt_tokens: field(record, 'tokens_in'),
    completion_tokens: field(record, 'tokens_out'),
  })
  if (usage === null) return null
  return { ...usage, costMicroUsd: field(record, 'cached') === true ? 0 : costOf(usage, prices) }
}
