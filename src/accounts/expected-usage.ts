/** The expected usage of a request that ended without one: what is booked until AI Gateway's log corrects it. */
import { costOf, scaledPrices } from '../models/prices.ts'
import type { BookedUsage } from './protocol.ts'
import type { Habits } from './usage-means.ts'
import { type Asked, completionTokensMax, type PricedModel, promptTokensMax } from './worst-case.ts'

/** English prose and JSON have about four bytes a token. */
export const BYTES_PER_TOKEN = 4

/** How far a request came. */
export interface Progress {
  /** Completion tokens that the meter saw, of all choices. */
  seenTokens: number
  /** Ms since the model was called. */
  elapsedMs: number
}

/**
 * The completion is the larger of what was seen with the key's mean of reasoning, and what the model makes in the time since
 * the call. A model that has shown nothing may still be at the beginning of its reasoning, so only the time counts then. The
 * completion is at least one token, and the cost is never above the worst case.
 */
export function expectedUsage(
  asked: Asked,
  { seenTokens, elapsedMs }: Progress,
  { reasoningTokens, tokensPerSecond }: Habits,
  model: PricedModel,
): BookedUsage {
  const seen = atLeast(0, Math.floor(seenTokens))
  const bySight = seen === 0 ? 0 : seen + atLeast(0, reasoningTokens) * asked.choices
  const byTime = atLeast(0, elapsedMs / 1_000) * atLeast(0, tokensPerSecond) * asked.choices
  const expected = atLeast(1, Math.ceil(Math.max(bySight, byTime)))
  const completionTokens = Math.min(expected, completionTokensMax(asked, model))
  const usage = {
    promptTokens: Math.min(Math.ceil(asked.bodyBytes / BYTES_PER_TOKEN), promptTokensMax(asked, model)),
    cachedTokens: 0,
    completionTokens,
    reasoningTokens: Math.max(0, completionTokens - seen),
  }
  return { ...usage, costMicroUsd: costOf(usage, scaledPrices(model.prices, asked.priceFactor?.() ?? 1)) }
}

/** A value that is no number counts as the least. */
function atLeast(least: number, value: number): number {
  return value > least ? value : least
}
