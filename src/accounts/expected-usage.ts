/** The expected usage of a request that ended without one: what is booked until AI Gateway's log corrects it. */
import { getOrCreate } from '../lru.ts'
import { costOf } from '../models.ts'
import type { Usage } from '../wire/usage.ts'
import type { BookedUsage } from './protocol.ts'
import { type Asked, completionTokensMax, type PricedModel, promptTokensMax } from './worst-case.ts'

/** English prose and JSON have about four bytes a token. */
export const BYTES_PER_TOKEN = 4
/** The guess for a key's first reasoning, tokens a choice: a short question at medium effort takes some hundreds. */
export const FIRST_REASONING_TOKENS = 500
/** The guess for a model's first rate, tokens a second: public benchmarks of o3-mini show 100 to 200. */
export const FIRST_TOKENS_PER_SECOND = 150
/** A faster answer came from a cache, and teaches nothing. */
export const TOKENS_PER_SECOND_MAX = 2_000
/** Answers that a mean covers. After so many, a change of habits is in it. */
export const MEAN_OVER = 20
/** Keys and models whose means an isolate remembers, about 100 bytes each. The least recently used one is evicted. */
export const MEANS_MAX = 5_000

/** How far a request came. */
export interface Progress {
  /** Completion tokens that the meter saw, of all choices. */
  seenTokens: number
  /** Ms since the model was called. */
  elapsedMs: number
}

/** The means of other answers. */
export interface Habits {
  /** The key's mean of reasoning, tokens a choice. */
  reasoningTokens: number
  /** The model's mean rate, completion tokens a second. */
  tokensPerSecond: number
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
  const byTime = atLeast(0, elapsedMs / 1_000) * atLeast(0, tokensPerSecond)
  const expected = atLeast(1, Math.ceil(Math.max(bySight, byTime)))
  const completionTokens = Math.min(expected, completionTokensMax(asked, model))
  const usage: Usage = {
    promptTokens: Math.min(Math.ceil(asked.bodyBytes / BYTES_PER_TOKEN), promptTokensMax(asked, model)),
    cachedTokens: 0,
    completionTokens,
    reasoningTokens: Math.max(0, completionTokens - seen),
  }
  return { ...usage, costMicroUsd: costOf(usage, model.prices) }
}

/** Means over the answers that this isolate has seen: of reasoning by key, and of the rate by model. */
export class UsageMeans {
  readonly #reasoning = new Map<string, Mean>()
  readonly #rates = new Map<string, Mean>()

  habits(keyId: string, modelId: string): Habits {
    return {
      reasoningTokens: this.#reasoning.get(keyId)?.value ?? FIRST_REASONING_TOKENS,
      tokensPerSecond: this.#rates.get(modelId)?.value ?? FIRST_TOKENS_PER_SECOND,
    }
  }

  /** Learns from an answer with a usage; `elapsedMs` is the time from the call to the end. */
  learn(keyId: string, modelId: string, usage: Usage, answer: { choices: number; elapsedMs: number }): void {
    const { choices, elapsedMs } = answer
    learnMean(this.#reasoning, keyId, usage.reasoningTokens / choices)
    const tokensPerSecond = (usage.completionTokens * 1_000) / elapsedMs
    if (tokensPerSecond > 0 && tokensPerSecond <= TOKENS_PER_SECOND_MAX) {
      learnMean(this.#rates, modelId, tokensPerSecond)
    }
  }

  /** Means remembered now. */
  get size(): number {
    return this.#reasoning.size + this.#rates.size
  }
}

interface Mean {
  value: number
  count: number
}

function learnMean(means: Map<string, Mean>, name: string, value: number): void {
  const mean = getOrCreate(means, name, MEANS_MAX, () => ({ value: 0, count: 0 }))
  mean.count = Math.min(mean.count + 1, MEAN_OVER)
  mean.value += (value - mean.value) / mean.count
}

/** A value that is no number counts as the least. */
function atLeast(least: number, value: number): number {
  return value > least ? value : least
}
