/**
 * Estimates a request's tokens before it is served: the prompt from its length, the completion from the key's earlier
 * completions. The actual usage replaces both when the answer ends.
 */
import { getOrCreate } from '../lru.ts'

/** English prose has about four characters a token. Other languages and code have fewer, so their estimate is too low. */
const CHARACTERS_PER_TOKEN = 4
/** Tokens that the chat format adds to each message. */
const TOKENS_PER_TURN = 3
/** The estimate of a key's first completion, tokens. */
export const FIRST_COMPLETION_TOKENS = 400
/** Completions that the running mean covers: the weight of a completion is at least 1 ÷ 20. */
const MEAN_COMPLETIONS_MAX = 20
/** Keys whose mean an isolate remembers. The least recently used key is evicted. */
export const FORECAST_KEYS_MAX = 5_000

/** Estimates the tokens of a prompt with this many characters in this many messages or items. */
export function estimatePromptTokens({ characters, turns }: { characters: number; turns: number }): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN) + TOKENS_PER_TURN * turns
}

/** The mean completion of each key, by the answers that this isolate has seen. */
export class CompletionForecast {
  readonly #means = new Map<string, { mean: number; count: number }>()

  /** Tokens to reserve: the key's mean for each choice, and never more than the caller's cap. */
  reserve(keyId: string, tokenCap: number | undefined, choices: number): number {
    const mean = this.#means.get(keyId)?.mean ?? FIRST_COMPLETION_TOKENS
    return Math.ceil(Math.min(tokenCap ?? Infinity, mean) * choices)
  }

  /** Adds an answer to the key's mean; `tokens` is the sum over all choices. */
  learn(keyId: string, tokens: number, choices: number): void {
    const known = getOrCreate(this.#means, keyId, FORECAST_KEYS_MAX, () => ({ mean: 0, count: 0 }))
    known.count = Math.min(known.count + 1, MEAN_COMPLETIONS_MAX)
    known.mean += (tokens / choices - known.mean) / known.count
  }

  get size(): number {
    return this.#means.size
  }
}
