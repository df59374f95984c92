/**
 * The body of `POST /v1/chat/completions`: OpenAI's published schema (`CreateChatCompletionRequest`), within the ranges that
 * the model's page gives. It only judges. The caller's own JSON goes upstream, so nothing here may have a default or a
 * transform. Plain `z.object` lets unknown fields pass at every level; its copy lacks them, and is not used.
 *
 * It is stricter than the published schema in two points. Token limits are at least 1 and `model` is not empty, as the
 * upstream demands; `stream_options` needs `stream`, as OpenAI's API demands. It is looser in three. `null` stands for absent
 * in any optional field, as for the API itself, and for the content of any message. Fields without use for a text model are
 * checked by type alone. `service_tier`, `prompt_cache_retention` and an image's `detail` take any string, since the vendor
 * keeps adding values. The upstream's own 400 refuses the rest.
 *
 * Fields stand in the order in which OpenAI reports their errors. A string given to a schema is the name of the type that it
 * expects; `explain` uses it. A parameter's schema is made when a body first has it: most isolates never see a tool.
 */
import * as z from 'zod/mini'
import { field } from '../wire/field.ts'
import { integer } from '../wire/integer.ts'
import { bodySchema } from './body-schema.ts'
import {
  effort,
  jsonSchemaShape,
  mapOf,
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
import { skipPlainMessages } from './skip-plain-messages.ts'

/** Strings in `stop`. */
export const STOP_MAX = 4
/** Entries of the deprecated `functions`. */
export const FUNCTIONS_MAX = 128

const parts = () =>
  z
    .array(
      z.discriminatedUnion('type', [
        z.object({ type: z.literal('text'), text: string() }),
        z.object({ type: z.literal('image_url'), image_url: z.object({ url: string() }) }),
        z.object({
          type: z.literal('input_audio'),
          input_audio: z.object({ data: string(), format: string() }),
        }),
        z.object({ type: z.literal('refusal'), refusal: string() }),
        z.object({ type: z.literal('audio') }),
        z.object({ type: z.literal('file'), file: z.object({}) }),
      ]),
      'an array of objects',
    )
    .check(z.minLength(1))
// The catalog lets any role have null, and the model itself may still refuse it.
const content = () => z.nullable(z.union([string(), z.lazy(parts)]))

const calledFunction = () => z.object({ name: string(), arguments: string() })
const toolCalls = () =>
  z.array(
    z.discriminatedUnion('type', [
      z.object({ id: string(), type: z.literal('function'), function: calledFunction() }),
      z.object({
        id: string(),
        type: z.literal('custom'),
        custom: z.object({ name: string(), input: string() }),
      }),
    ]),
    'an array of objects',
  )

const message = () =>
  z.discriminatedUnion('role', [
    z.object({ role: z.literal('system'), content: content(), name: maybeString() }),
    z.object({
      role: z.literal('assistant'),
      content: z.optional(content()),
      name: maybeString(),
      tool_calls: z.nullish(toolCalls()),
      function_call: z.nullish(calledFunction()),
    }),
    z.object({ role: z.literal('user'), content: content(), name: maybeString() }),
    z.object({ role: z.literal('function'), content: z.nullable(string()), name: string() }),
    z.object({ role: z.literal('tool'), content: content(), tool_call_id: string() }),
    z.object({ role: z.literal('developer'), content: content(), name: maybeString() }),
  ])

const functionShape = () => ({ name: string(), description: maybeString(), parameters: maybeObject() })
const named = () => z.object({ name: string() })

const tool = () =>
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('function'),
      function: z.object({ ...functionShape(), strict: maybeBoolean() }),
    }),
    z.object({ type: z.literal('custom'), custom: named() }),
  ])

const toolChoice = () =>
  z.union([
    z.discriminatedUnion('type', [
      z.object({
        type: z.literal('allowed_tools'),
        allowed_tools: z.object({
          mode: z.enum(['auto', 'required']),
          tools: z.array(z.object({}), 'an array of objects'),
        }),
      }),
      z.object({ type: z.literal('function'), function: named() }),
      z.object({ type: z.literal('custom'), custom: named() }),
    ]),
    toolMode(),
  ])

const responseFormat = () =>
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('json_object') }),
    z.object({ type: z.literal('json_schema'), json_schema: z.object(jsonSchemaShape()) }),
    z.object({ type: z.literal('text') }),
  ])

const penalty = () => z.nullish(z.number().check(z.minimum(-2), z.maximum(2)))

const parameters = {
  model: modelName,
  messages: () => skipPlainMessages(z.array(z.lazy(message), 'an array of objects').check(z.minLength(1))),
  functions: () =>
    z.nullish(
      z
        .array(z.object(functionShape()), 'an array of function definitions')
        .check(z.minLength(1), z.maxLength(FUNCTIONS_MAX)),
    ),
  function_call: () => z.nullish(z.union([named(), z.enum(['none', 'auto'])])),
  tools: () => z.nullish(z.array(tool(), 'an array of objects')),
  tool_choice: () => z.nullish(toolChoice()),
  parallel_tool_calls: maybeBoolean,
  max_completion_tokens: tokensMax,
  max_tokens: tokensMax,
  n: () => z.nullish(integer(1, 128)),
  stop: () =>
    z.nullish(
      z.union([
        string(),
        z.array(string(), 'an array of strings').check(z.minLength(1), z.maxLength(STOP_MAX)),
      ]),
    ),
  temperature,
  top_p: topP,
  presence_penalty: penalty,
  frequency_penalty: penalty,
  logit_bias: () => z.nullish(mapOf(integer())),
  logprobs: maybeBoolean,
  top_logprobs: topLogprobs,
  user: maybeString,
  seed: () => z.nullish(integer()),
  response_format: () => z.nullish(responseFormat()),
  reasoning_effort: effort,
  safety_identifier: safetyIdentifier,
  prompt_cache_options: maybeObject,
  prompt_cache_key: maybeString,
  prompt_cache_retention: maybeString,
  service_tier: maybeString,
  stream: maybeBoolean,
  stream_options: () =>
    z.nullish(z.object({ include_usage: maybeBoolean(), include_obfuscation: maybeBoolean() })),
  store: maybeBoolean,
  metadata,
  moderation: maybeObject,
  verbosity,
  prediction: maybeObject,
  modalities: () => z.nullish(z.array(z.enum(['text', 'audio']), 'an array of strings')),
  audio: maybeObject,
  web_search_options: maybeObject,
}

export const chatCompletionRequest = bodySchema(parameters, {
  required: ['model', 'messages'],
  issueOf: issueOfStreamOptions,
})

function issueOfStreamOptions(body: object): z.core.$ZodRawIssue | null {
  const options = field(body, 'stream_options')
  if (options == null || field(body, 'stream') === true) return null
  return {
    code: 'custom',
    path: ['stream_options'],
    message: "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    input: options,
  }
}

/** All that the schema knows of a body. */
export type ChatCompletionBody = z.output<typeof chatCompletionRequest>

/** The fields that the gateway itself reads. The others pass from the caller to the model. */
export type ChatCompletionRequest = Pick<
  ChatCompletionBody,
  'model' | 'messages' | 'stream' | 'stream_options' | 'n' | 'max_tokens' | 'max_completion_tokens' | 'tools'
>
