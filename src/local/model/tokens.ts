/** Estimates tokens from characters. There is no tokenizer, but limits and bills behave as with the model. */

export const CHARACTERS_PER_TOKEN = 4

/** A message's tokens beside its text: role and separators. */
export const TOKENS_PER_MESSAGE = 3

/** Reasoning tokens by effort. They are billed as output. */
export const REASONING_TOKENS = { low: 64, medium: 256, high: 1024 } as const

export type Effort = keyof typeof REASONING_TOKENS

/** A missing or unknown effort is `medium`. */
export function effortOf(effort: string | null | undefined): Effort {
  return effort === 'low' || effort === 'high' ? effort : 'medium'
}

/** The tokens of one completion. `completion` includes `reasoning`. */
export interface TokenCount {
  readonly prompt: number
  readonly completion: number
  readonly reasoning: number
}

export function textTokens(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN)
}

export function messageTokens(text: string): number {
  return TOKENS_PER_MESSAGE + textTokens(text)
}

/** The longest beginning of `text` with at most `tokensMax` tokens. It never splits a surrogate pair. */
export function cutToTokens(text: string, tokensMax: number): string {
  return text
    .slice(0, Math.max(0, Math.floor(tokensMax)) * CHARACTERS_PER_TOKEN)
    .replace(/[\uD800-\uDBFF]$/u, '')
}
