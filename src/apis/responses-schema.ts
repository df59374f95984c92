/**
 * The body of `POST /v1/responses`: the fields of the model's catalog entry and of OpenAI's `CreateResponse` that a text
 * model can use. Like the chat schema it only judges, and the caller's own JSON goes upstream. Items and tools need only be
 * objects, since they are of many kinds and the vendor keeps adding some.
 *
 * It is stricter than OpenAI's: `model` and `input` are required, and `background` is refused, since the gateway has no route
 * that would fetch the response later, and its usage would never be known.
 */
import * as z from 'zod/mini'
import { bodySchema } from './body-schema.ts'
import {
  effort,
  jsonSchemaShape,
  maybeBoolean,
  maybeObject,
  maybeString,
  metadata,
  modelName,
  safetyIdentifier,
  string,
  temperature,
  tokensMax,
  toolMode,
  topLogprobs,
  topP,
  verbosity,
} from './parameter-shapes.ts'

const format = () =>
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('json_object') }),
    z.object({ ...jsonSchemaShape(), type: z.literal('json_schema'), schema: z.object({}) }),
    z.object({ type: z.literal('text') }),
  ])
const typed = () => z.object({ type: string() })

const parameters = {
  model: modelName,
  // OpenAI refuses it too: a chat body was sent to the wrong path.
  messages: () =>
    refused(
      z.optional(z.nullable(z.array(z.object({})))),
      "In the Responses API, this parameter has moved to 'input'.",
    ),
  previous_response_id: maybeString,
  conversation: () => z.nullish(z.union([string(), z.object({})])),
  background: () =>
    z.nullish(
      refused(
        z.boolean(),
        "This gateway does not run responses in the background. Leave out this parameter, and set 'stream' where an answer takes long.",
      ),
    ),
  input: () => z.union([string(), z.array(z.object({}), 'an array of objects')]),
  instructions: maybeString,
  max_output_tokens: tokensMax,
  max_tool_calls: tokensMax,
  tools: () => z.nullish(z.array(typed(), 'an array of objects')),
  tool_choice: () => z.nullish(z.union([typed(), toolMode()])),
  parallel_tool_calls: maybeBoolean,
  text: () => z.nullish(z.object({ format: z.nullish(format()), verbosity: verbosity() })),
  reasoning: () => z.nullish(z.object({ effort: effort(), summary: maybeString() })),
  include: () => z.nullish(z.array(string(), 'an array of strings')),
  temperature,
  top_p: topP,
  top_logprobs: topLogprobs,
  truncation: maybeString,
  user: maybeString,
  safety_identifier: safetyIdentifier,
  prompt_cache_key: maybeString,
  service_tier: maybeString,
  stream: maybeBoolean,
  stream_options: maybeObject,
  store: maybeBoolean,
  metadata,
}

export const responsesRequest = bodySchema(parameters, { required: ['model', 'input'] })

/** The fields that the gateway itself reads. The others pass from the caller to the model. */
export type ResponsesRequest = Pick<
  z.output<typeof responsesRequest>,
  'model' | 'instructions' | 'stream' | 'max_output_tokens' | 'tools'
> & { input: string | readonly object[] }

/** A parameter that cannot be served, with a sentence that says what to do instead. */
function refused<Schema extends z.ZodMiniType>(schema: Schema, instead: string): Schema {
  return schema.check(({ value, issues }) => {
    // The parameter is absent or switched off.
    if (value === undefined || value === false) return
    issues.push({ code: 'custom', message: instead, params: { code: 'unsupported_parameter' }, input: value })
  })
}
