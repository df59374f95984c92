/** The gateway's own answers. Those on keys, usage and history, and those of the model have files of their own. */
import * as z from 'zod/mini'
import { count, nextCursor, text, usd } from './answer-fields.ts'

export const errorAnswer = z.object({
  error: z.object({
    message: text('A sentence for people. It can change.'),
    type: text('OpenAI’s type, such as `invalid_request_error`, `server_error`, `requests` or `tokens`.'),
    param: z.nullable(z.string()).check(z.describe('The path of the parameter that is wrong.')),
    code: z.nullable(z.string()).check(z.describe('A stable code for programs.')),
  }),
})

export const health = z.object({ status: z.literal('ok') })

const rateShape = {
  input: usd('Dollars for a million prompt tokens.'),
  cached_input: usd('Dollars for a million cached prompt tokens.'),
  cache_write: usd('Dollars for a million prompt tokens that the vendor’s cache stores.'),
  output: usd('Dollars for a million completion tokens, reasoning included.'),
}

export const model = z.object({
  id: text('The name for the parameter `model`.'),
  object: z.literal('model'),
  created: z.int().check(z.describe('Unix seconds.')),
  owned_by: z.string(),
  shutdown_date: z
    .nullable(z.iso.date())
    .check(z.describe('The day for which the vendor has announced the model’s end.')),
  context_window: count('Tokens of prompt and completion together.'),
  max_output_tokens: count('The longest completion, reasoning included.'),
  usd_per_million_tokens: z.object({
    ...rateShape,
    long_context: z.optional(
      z.object({ above_tokens: count('Prompts with more tokens have these prices.'), ...rateShape }),
    ),
  }),
})

export const modelList = z.object({ object: z.literal('list'), data: z.array(model) })

/** A model with the prices that sums of tokens can have. */
export const otherModelShape = {
  slug: text('The name of the upstream.'),
  usdPerMillionTokens: z.object({
    input: usd('Dollars for a million prompt tokens.'),
    cachedInput: usd('Dollars for a million cached prompt tokens.'),
    output: usd('Dollars for a million completion tokens, reasoning included.'),
  }),
}

export const operatorModels = z.object({
  data: z.array(
    z.object({
      id: text('The public name.'),
      ...otherModelShape,
      configuredAs: text('The name in the var `MODELS` that decides on this one.'),
      shutdownDate: z.nullable(z.iso.date()).check(z.describe('The announced end.')),
    }),
  ),
  successors: z.array(z.string()).check(z.describe('Slugs that can replace a model which ends.')),
})

export const rebuilt = z.object({
  republished: count('Keys of the page and groups of these keys that have reported again.'),
  failed: z
    .array(z.string())
    .check(z.describe('Ids of keys and groups whose account or record cannot be read.')),
  nextCursor,
})

export const testedAlert = z.object({
  state: z.enum(['off', 'delivered', 'failed']),
  status: z
    .nullable(z.int())
    .check(z.describe('The status that the webhook answered; null without an answer.')),
  ms: z.nullable(z.number()).check(z.describe('How long the answer took.')),
  signed: z.boolean().check(z.describe('Whether `ALERT_WEBHOOK_SECRET` is set.')),
  reason: z.optional(text('Why it was not delivered.')),
  action: z.optional(text('What to do.')),
})
