/** The usage that the upstream reports with an answer, in the gateway's words. */
import { field } from './field.ts'

/** Tokens, as the upstream counted them. */
export interface Usage {
  promptTokens: number
  /** Part of the prompt, at a lower price. */
  cachedTokens: number
  /** With the reasoning. */
  completionTokens: number
  /** Part of the completion, at the same price. */
  reasoningTokens: number
}

/** The `usage` object of a completion or of a stream's last chunk; `null` where it is not one. */
export function parseUsage(usage: unknown): Usage | null {
  const promptTokens = count(usage, 'prompt_tokens')
  const completionTokens = count(usage, 'completion_tokens')
  if (promptTokens === null || completionTokens === null) return null
  return {
    promptTokens,
    cachedTokens: count(field(usage, 'prompt_tokens_details'), 'cached_tokens') ?? 0,
    completionTokens,
    reasoningTokens: count(field(usage, 'completion_tokens_details'), 'reasoning_tokens') ?? 0,
  }
}

function count(value: unknown, name: string): number | null {
  const found = field(value, name)
  return typeof found === 'number' && Number.isSafeInteger(found) && found >= 0 ? found : null
}
