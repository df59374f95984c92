/** What an isolate has learnt from answers: how much a key's answers take, and how fast a model answers. */
import { getOrCreate } from '../lru.ts'
import type { Usage } from '../wire/usage.ts'

/** The guess for a key's first completion, tokens a choice. */
export const FIRST_COMPLETION_TOKENS = 400
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

/** The tokens of an answer that teach something. */
type Learnt = Pick<Usage, 'completionTokens' | 'reasoningTokens'>

/** The means of other answers. */
export interface Habits {
  /** The key's mean of reasoning, tokens a choice. */
  reasoningTokens: number
  /** The model's mean rate, completion tokens a second of each choice: the model makes the choices at the same time. */
  tokensPerSecond: number
}

/** Means over the answers that this isolate has seen: of completions and of their reasoning by key, and of the rate by model. */
export class UsageMeans {
  readonly #completions = new Map<string, Mean>()
  readonly #reasoning = new Map<string, Mean>()
  readonly #rates = new Map<string, Mean>()

  /** Completion tokens to reserve: the key's mean for each choice, and never more than the caller's cap. */
  reserve(keyId: string, tokenCap: number | undefined, choices: number): number {
    const mean = this.#completions.get(keyId)?.value ?? FIRST_COMPLETION_TOKENS
    return Math.ceil(Math.min(tokenCap ?? Infinity, mean) * choices)
  }

  habits(keyId: string, modelId: string): Habits {
    return {
      reasoningTokens: this.#reasoning.get(keyId)?.value ?? FIRST_REASONING_TOKENS,
      tokensPerSecond: this.#rates.get(modelId)?.value ?? FIRST_TOKENS_PER_SECOND,
    }
  }

  /** Learns from an answer with a usage; `elapsedMs` is the time from the call to the end. */
  learn(keyId: string, modelId: string, usage: Learnt, answer: { choices: number; elapsedMs: number }): void {
    const { choices, elapsedMs } = answer
    learnMean(this.#completions, keyId, usage.completionTokens / choices)
    learnMean(this.#reasoning, keyId, usage.reasoningTokens / choices)
    const tokensPerSecond = ((usage.completionTokens / choices) * 1_000) / elapsedMs
    if (tokensPerSecond > 0 && tokensPerSecond <= TOKENS_PER_SECOND_MAX) {
      learnMean(this.#rates, modelId, tokensPerSecond)
    }
  }

  /** Means remembered now. */
  get size(): number {
    return this.#completions.size + this.#reasoning.size + this.#rates.size
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
