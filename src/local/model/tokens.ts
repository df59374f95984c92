/** Counts tokens plausibly: no tokenizer, but numbers that grow, shrink and stop where the model's would. */

export const CHARACTERS_PER_TOKEN = 4

/** What a message costs beside its text: role and separators. */
export const TOKENS_PER_MESSAGE = 3

/** What the model spends on thinking before it says a word; billed as output. */
export const REASONING_TOKENS = { low: 64, medium: 256, high: 1024 } as const

export type Effort = keyof typeof REASONING_TOKENS

/** Unset, or one that the model does not know, is `medium`. */
export function effortOf(effort: string | null | undefined): Effort {
  return effort === 'low' || effort === 'high' ? effort : 'medium'
}

/** Tokens of one completion, whichever format reports them. `completion` includes `reasoning`. */
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

/** The longest beginning of `text` that costs at most `tokensMax`; never half of a surrogate pair. */
export function cutToTokens(text: string, tokensMax: number): string {
  return text
    .slice(0, Math.max(0, Math.floor(tokensMax)) * CHARACTERS_PER_TOKEN)
    .replace(/[\uD800-\uDBFF]$/u, '')
}
