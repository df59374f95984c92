/** A reply as a chat completion: the JSON answer, and what the chunks of a stream have in common with it. */

import type { Choice, Reply } from '../model/reply.ts'
import { randomText, type Random } from '../model/seeded-random.ts'
import type { TokenCount } from '../model/tokens.ts'

/**
 * `created` is a fixed second plus up to a day, taken from the inputs: the same call gives the same bytes, and the time
 * is one at which the model was in service.
 */
const CREATED_SECONDS = 1_777_319_807
const DAY_SECONDS = 86_400

/** The name under which the upstream answers to `openai/o3-mini`. */
const SERVED_AS: Record<string, string> = { 'openai/o3-mini': 'o3-mini-2025-01-31' }

/** What is the same in every chunk of an answer. */
export interface Envelope {
  readonly id: string
  readonly created: number
  readonly model: string
  readonly fingerprint: string
}

/** A slug that is not known is served under its last part. */
export function envelopeOf(slug: string, random: Random): Envelope {
  return {
    id: `chatcmpl-${randomText(random, 29)}`,
    created: CREATED_SECONDS + Math.floor(random() * DAY_SECONDS),
    model: SERVED_AS[slug] ?? slug.slice(slug.lastIndexOf('/') + 1),
    fingerprint: `fp_${Math.floor(random() * 2 ** 40)
      .toString(16)
      .padStart(10, '0')}`,
  }
}

/** `overrides` is laid over the usage; null leaves it out. */
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
    service_tier: 'default',
    system_fingerprint: envelope.fingerprint,
    choices: reply.choices.map((choice, index) => ({
      index,
      finish_reason: finishReason(choice),
      message: { role: 'assistant', ...said(choice), refusal: null, annotations: [] },
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
    ...overrides,
  }
}

export function finishReason({ call, end }: Choice): string {
  if (end !== 'call') return end
  return call?.kind === 'legacy' ? 'function_call' : 'tool_calls'
}

function said({ call, pieces }: Choice): object {
  const text = pieces.join('')
  if (!call) return { content: text }
  const { kind, name, id } = call
  if (kind === 'legacy') return { content: null, function_call: { name, arguments: text } }
  const called =
    kind === 'function' ? { function: { name, arguments: text } } : { custom: { name, input: text } }
  return { content: null, tool_calls: [{ id, type: kind, ...called }] }
}
