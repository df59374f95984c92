/** A streamed chat completion, as the playground asks for it and reads it. */
import * as z from 'zod/mini'
import { costOf } from '../../models/prices.ts'
import { modelTable } from '../../models/table.ts'
import { parseUsage, type Usage } from '../../wire/usage.ts'

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

/** The cost at the list price of a model that the project knows, in dollars; `null` for any other. */
export function listCostUsd(model: string, usage: Usage): number | null {
  const known = modelTable({}).get(model)
  return known === undefined ? null : costOf(usage, known.prices) / 1e6
}
