/** Estimates the tokens of a prompt before it is served. The actual usage replaces the estimate when the answer ends. */
import type { PromptSize } from './api.ts'

/** English prose has about four characters a token. Other languages and code have fewer, so their estimate is too low. */
const CHARACTERS_PER_TOKEN = 4
/** Tokens that the chat format adds to each message. */
const TOKENS_PER_TURN = 3

export function estimatePromptTokens({ characters, turns }: PromptSize): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN) + TOKENS_PER_TURN * turns
}
