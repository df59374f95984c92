/**
 * The answers of the model. The gateway sends them byte for byte, so only the fields that clients and the gateway read are
 * named, and the vendor can add others.
 */
import * as z from 'zod/mini'
import { errorAnswer } from './answers.ts'

const text = z.string()
const maybeText = z.nullish(z.string())
const count = z.int().check(z.minimum(0))

const chatUsage = z.looseObject({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: z.optional(count),
  prompt_tokens_details: z.nullish(z.looseObject({ cached_tokens: z.nullish(count) })),
  completion_tokens_details: z.nullish(z.looseObject({ reasoning_tokens: z.nullish(count) })),
})

const toolCall = z.looseObject({
  id: text,
  type: text,
  function: z.optional(z.looseObject({ name: text, arguments: text })),
})

export const chatCompletion = z.looseObject({
  id: text,
  object: z.literal('chat.completion'),
  created: z.int().check(z.describe('Unix seconds.')),
  model: text,
  choices: z.array(
    z.looseObject({
      index: count,
      finish_reason: maybeText,
      message: z.looseObject({
        role: text,
        content: maybeText,
        refusal: maybeText,
        tool_calls: z.nullish(z.array(toolCall)),
      }),
    }),
  ),
  usage: z.nullish(chatUsage),
})

const chatChunk = z.looseObject({
  id: text,
  object: z.literal('chat.completion.chunk'),
  created: z.int(),
  model: text,
  choices: z.array(
    z.looseObject({
      index: count,
      finish_reason: maybeText,
      delta: z.looseObject({ role: maybeText, content: maybeText, refusal: maybeText }),
    }),
  ),
  usage: z.nullish(chatUsage).check(z.describe('In the last chunk, with `stream_options.include_usage`.')),
})

/** The data of an event of a stream. A stream that breaks ends with an error and without `[DONE]`. */
export const chatEvent = z.union([chatChunk, errorAnswer])

const responseUsage = z.looseObject({
  input_tokens: count,
  output_tokens: count,
  total_tokens: z.optional(count),
  input_tokens_details: z.nullish(z.looseObject({ cached_tokens: z.nullish(count) })),
  output_tokens_details: z.nullish(z.looseObject({ reasoning_tokens: z.nullish(count) })),
})

export const response = z.looseObject({
  id: text,
  object: z.literal('response'),
  created_at: z.number().check(z.describe('Unix seconds.')),
  status: z.optional(text.check(z.describe('`completed`, `incomplete` or `failed`.'))),
  model: text,
  output: z
    .array(z.looseObject({ type: text }))
    .check(z.describe('Items: messages, reasoning, calls of tools.')),
  error: z.nullish(z.looseObject({ code: maybeText, message: text })),
  incomplete_details: z.nullish(z.looseObject({ reason: maybeText })),
  usage: z.nullish(responseUsage),
})

/** The data of an event of a stream. A stream that breaks ends with an event of the type `error`. */
export const responseEvent = z.looseObject({
  type: text.check(
    z.describe('Such as `response.created`, `response.output_text.delta`, `response.completed`, `error`.'),
  ),
  sequence_number: z.optional(count),
  response: z.optional(response),
})
