/** A streamed chat completion, as the playground asks for it and reads it. */
import * as z from 'zod/mini'
import { type Prices, pricesOf } from '../../models/prices.ts'
import { parseUsage, type Usage } from '../../wire/usage.ts'
import { type ModelEntry, modelEntry } from './answers/deployment.ts'
import { call } from './client.ts'

export const CHAT_PATH = '/v1/chat/completions'

export interface ChatDraft {
  model: string
  instructions: string
  prompt: string
  /** Empty: the model's own. */
  effort: string
  /** Empty: the model's own. */
  completionTokensMax: string
}

/** The body of the request. Usage is asked for, so that the page can show it. */
export function chatBody({ model, instructions, prompt, effort, completionTokensMax }: ChatDraft) {
  return {
    model: model.trim(),
    messages: [
      ...(instructions.trim() === '' ? [] : [{ role: 'developer', content: instructions }]),
      { role: 'user', content: prompt },
    ],
    ...(effort === '' ? {} : { reasoning_effort: effort }),
    ...(completionTokensMax.trim() === '' ? {} : { max_completion_tokens: Number(completionTokensMax) }),
    stream: true,
    stream_options: { include_usage: true },
  }
}

const chunk = z.object({
  choices: z.optional(
    z.array(
      z.object({
        delta: z.optional(z.object({ content: z.nullish(z.string()), refusal: z.nullish(z.string()) })),
        finish_reason: z.nullish(z.string()),
      }),
    ),
  ),
  usage: z.nullish(z.unknown()),
  error: z.optional(z.object({ message: z.string() })),
})

export interface ChatPart {
  text: string
  finishReason: string | null
  usage: Usage | null
  /** The message of an error that ends the stream. */
  error: string | null
}

/** What an event's data says; `null` for data that is no part of a completion. */
export function chatPartOf(data: unknown): ChatPart | null {
  const parsed = chunk.safeParse(data)
  if (!parsed.success) return null
  const { choices, usage, error } = parsed.data
  const [choice] = choices ?? []
  return {
    text: choice?.delta?.content ?? choice?.delta?.refusal ?? '',
    finishReason: choice?.finish_reason ?? null,
    usage: parseUsage(usage),
    error: error?.message ?? null,
  }
}

/** The prices by which this gateway bills a model; `null` where it does not tell. */
export async function readPrices(secret: string, model: string): Promise<Prices | null> {
  try {
    const path = `/v1/models/${encodeURIComponent(model)}`
    return pricesOfEntry(await call(modelEntry, secret, path))
  } catch {
    return null
  }
}

function pricesOfEntry({ usd_per_million_tokens: usd }: ModelEntry): Prices {
  const { long_context: long } = usd
  if (long === undefined) return pricesOf(ratesOf(usd))
  return pricesOf({ ...ratesOf(usd), longContext: { aboveTokens: long.above_tokens, ...ratesOf(long) } })
}

function ratesOf(
  rates: Pick<ModelEntry['usd_per_million_tokens'], 'input' | 'cached_input' | 'cache_write' | 'output'>,
) {
  const { input, cached_input: cachedInput, cache_write: cacheWrite, output } = rates
  return { input, cachedInput, cacheWrite, output }
}
