/** Writes a reply as a chat completion. Streams share its usage and its finish reasons. */

import type { Envelope } from '../model/envelope.ts'
import type { Choice, Reply } from '../model/reply.ts'
import type { TokenCount } from '../model/tokens.ts'
import { CHAT_WORDS, inWords } from '../model/usage-words.ts'

/** `overrides` replaces fields of the usage; null leaves the usage out. */
export function chatCompletion(
  envelope: Envelope,
  reply: Reply,
  overrides?: Record<string, unknown> | null,
): object {
  return {
    id: envelope.id,
    object: 'chat.completion',
    created: envelope.created,
    model: envelope.model,
    service_tier: envelope.serviceTier,
    system_fingerprint: envelope.fingerprint,
    choices: reply.choices.map((choice, index) => ({
      index,
      finish_reason: finishReason(choice),
      message: { role: 'assistant', ...messageFields(choice), refusal: null, annotations: [] },
    })),
    ...(overrides === null ? {} : { usage: usageOf(reply.tokens, overrides) }),
    gatewayMetadata: { keySource: 'Unified' },
  }
}

export function usageOf(tokens: TokenCount, overrides: Record<string, unknown> = {}) {
  return {
    prompt_tokens: tokens.prompt,
    completion_tokens: tokens.completion,
    total_tokens: tokens.prompt + tokens.completion,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: tokens.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
    ...inWords(overrides, CHAT_WORDS),
  }
}

export function finishReason({ call, end }: Choice): string {
  if (end !== 'call') return end
  return call?.kind === 'legacy' ? 'function_call' : 'tool_calls'
}

function messageFields({ call, pieces }: Choice): object {
  const text = pieces.join('')
  if (!call) return { content: text }
  const { kind, name, id } = call
  if (kind === 'legacy') return { content: null, function_call: { name, arguments: text } }
  const called =
    kind === 'function' ? { function: { name, arguments: text } } : { custom: { name, input: text } }
  return { content: null, tool_calls: [{ id, type: kind, ...called }] }
}
