/**
 * What a request will take in tokens, guessed before it is served: the prompt from its length, the completion from the
 * key's own past. Both are replaced by the real usage when the answer ends.
 */
import { getOrCreate } from '../lru.ts'

/** English prose has about four characters a token. Other languages and code have fewer, so their estimate is too low. */
const CHARACTERS_PER_TOKEN = 4
/** Tokens that the chat format adds to each message. */
const TOKENS_PER_TURN = 3
/** The guess for a key's first completion. */
export const FIRST_COMPLETION_TOKENS = 400
/** Completions that the mean covers. After so many, a change of the key's habits is in it. */
const MEAN_OVER = 20
/** Keys whose mean an isolate remembers. The least recently used one is forgotten. */
export const FORECAST_KEYS_MAX = 5_000

/** Tokens of a prompt of so many characters in so many messages or items. */
export function estimatePromptTokens({ characters, turns }: { characters: number; turns: number }): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN) + TOKENS_PER_TURN * turns
}

/** What each key's completions take on average, as far as this isolate has seen. */
export class CompletionForecast {
  readonly #means = new Map<string, { mean: number; count: number }>()

  /** Tokens to reserve: the key's mean for each choice, and never more than the caller's cap allows. */
  reserve(keyId: string, tokenCap: number | undefined, choices: number): number {
    const mean = this.#means.get(keyId)?.mean ?? FIRST_COMPLETION_TOKENS
    return Math.ceil(Math.min(tokenCap ?? Infinity, mean) * choices)
  }

  /** Learns from an answer; `tokens` are those of all its choices. */
  learn(keyId: string, tokens: number, choices: number): void {
    const known = getOrCreate(this.#means, keyId, FORECAST_KEYS_MAX, () => ({ mean: 0, count: 0 }))
    known.count = Math.min(known.count + 1, MEAN_OVER)
    known.mean += (tokens / choices - known.mean) / known.count
  }

  get size(): number {
    return this.#means.size
  }
}
