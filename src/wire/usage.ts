/** The usage that the upstream reports with an answer, in the gateway's words. */
import { field } from './field.ts'

/** Tokens, as the upstream counted them. */
export interface Usage {
  promptTokens: number
  /** Part of the prompt tokens, at a lower price. */
  cachedTokens: number
  /** Part of the prompt tokens, at a higher price with some models. */
  cacheWriteTokens: number
  /** Reasoning included. */
  completionTokens: number
  /** Part of the completion tokens, at the same price. */
  reasoningTokens: number
  /** The tier by which the vendor has served the request; absent where the answer does not name one. */
  serviceTier?: string
}

/** The usage of a whole answer, or of an event that holds one; `null` where it has none. */
export function usageOfAnswer(answer: unknown): Usage | null {
  const usage = parseUsage(field(answer, 'usage'))
  const serviceTier = field(answer, 'service_tier')
  return usage === null || typeof serviceTier !== 'string' ? usage : { ...usage, serviceTier }
}

/** The `usage` object of an answer or of a stream's last event, in either API's words; `null` where it is none. */
export function parseUsage(usage: unknown): Usage | null {
  const promptTokens = count(usage, 'prompt_tokens') ?? count(usage, 'input_tokens')
  const completionTokens = count(usage, 'completion_tokens') ?? count(usage, 'output_tokens')
  if (promptTokens === null || completionTokens === null) return null
  const promptDetails = field(usage, 'prompt_tokens_details') ?? field(usage, 'input_tokens_details')
  const details = field(usage, 'completion_tokens_details') ?? field(usage, 'output_tokens_details')
  return {
    promptTokens,
    cachedTokens: count(promptDetails, 'cached_tokens') ?? 0,
    cacheWriteTokens: count(promptDetails, 'cache_write_tokens') ?? 0,
    completionTokens,
    reasoningTokens: count(details, 'reasoning_tokens') ?? 0,
  }
}

function count(value: unknown, name: string): number | null {
  const found = field(value, name)
  return typeof found === 'number' && Number.isSafeInteger(found) && found >= 0 ? found : null
}
