/** What is booked of a usage that the upstream has reported. */
import { costOf, type Prices } from '../models/prices.ts'
import type { Usage } from '../wire/usage.ts'
import type { BookedUsage } from './protocol.ts'

/** The tokens that the ledger has, and the cost of all tokens. Without prices the usage costs nothing. */
export function bookedUsage(usage: Usage, prices: Prices | null): BookedUsage {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = usage
  const costMicroUsd = prices === null ? 0 : costOf(usage, prices)
  return { promptTokens, cachedTokens, completionTokens, reasoningTokens, costMicroUsd }
}
