/**
 * The body of `POST /v1/chat/completions`: what OpenAI's published schema (`CreateChatCompletionRequest`) calls valid,
 * within the ranges that the model's page gives. It only judges. What goes upstream is the caller's own JSON, so nothing
 * here may have a default or a transform, and plain `z.object` is right: it lets unknown fields pass at every level, and
 * that its copy lacks them harms nobody.
 *
 * Stricter than the published schema: token limits are at least 1 and `model` is not empty, as the upstream demands;
 * `stream_options` needs `stream`, as OpenAI's API demands. Looser: `null` stands for absent in any optional field, as
 * for the API itself, and for the content of any message; fields that a text model has no use for are only told apart by type; and the values of
 * `service_tier`, `prompt_cache_retention` and an image's `detail` are free, for the vendor keeps adding some. What is
 * let through too much comes back as the upstream's own 400.
 *
 * Fields stand in the order in which OpenAI reports their errors. A string given to a schema is the name of what it
 * expects, for `explain` to use.
 */
import * as z from 'zod/mini'
import { integer } from './integer.ts'

/** Strings in `stop`. */
export const STOP_MAX = 4
/** Entries of the deprecated `functions`. */
export const FUNCTIONS_MAX = 128
/** Characters (Unicode code points, as JSON Schema counts) of `safety_identifier`. */
export const SAFETY_IDENTIFIER_CHARACTERS_MAX = 64

const string = z.string()
const maybeString = z.nullish(string)
const maybeBoolean = z.nullish(z.boolean())
const maybeObject = z.nullish(z.object({}))

const parts = z
  .array(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('text'), text: string }),
      z.object({ type: z.literal('image_url'), image_url: z.object({ url: string }) }),
      z.object({ type: z.literal('input_audio'), input_audio: z.object({ data: string, format: string }) }),
      z.object({ type: z.literal('refusal'), refusal: string }),
      z.object({ type: z.literal('audio') }),
      z.object({ type: z.literal('file'), file: z.object({}) }),
    ]),
    'an array of objects',
  )
  .check(z.minLength(1))
// The catalog lets any role have null; whether the model does is its own to say.
const content = z.nullable(z.union([string, parts]))

const calledFunction = z.object({ name: string, arguments: string })
const toolCalls = z.array(
  z.discriminatedUnion('type', [
    z.object({ id: string, type: z.literal('function'), function: calledFunction }),
    z.object({ id: string, type: z.literal('custom'), custom: z.object({ name: string, input: string }) }),
  ]),
  'an array of objects',
)

const message = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), content, name: maybeString }),
  z.object({
    role: z.literal('assistant'),
    content: z.optional(content),
    name: maybeString,
    tool_calls: z.nullish(toolCalls),
    function_call: z.nullish(calledFunction),
  }),
  z.object({ role: z.literal('user'), content, name: maybeString }),
  z.object({ role: z.literal('function'), content: z.nullable(string), name: string }),
  z.object({ role: z.literal('tool'), content, tool_call_id: string }),
  z.object({ role: z.literal('developer'), content, name: maybeString }),
])

const functionDefinition = z.object({ name: string, description: maybeString, parameters: maybeObject })
const named = z.object({ name: string })

const tool = z.discriminatedUnion('type', [
  z.object({ type: z.literal('function'), function: z.extend(functionDefinition, { strict: maybeBoolean }) }),
  z.object({ type: z.literal('custom'), custom: named }),
])

const toolChoice = z.union([
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('allowed_tools'),
      allowed_tools: z.object({
        mode: z.enum(['auto', 'required']),
        tools: z.array(z.object({}), 'an array of objects'),
      }),
    }),
    z.object({ type: z.literal('function'), function: named }),
    z.object({ type: z.literal('custom'), custom: named }),
  ]),
  z.enum(['none', 'auto', 'required']),
])

const responseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      name: string,
      description: maybeString,
      schema: maybeObject,
      strict: maybeBoolean,
    }),
  }),
  z.object({ type: z.literal('text') }),
])

const penalty = z.nullish(z.number().check(z.minimum(-2), z.maximum(2)))
const tokensMax = z.nullish(integer(1))
const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

const body = z.object({
  model: z.string().check(z.minLength(1)),
  messages: z.array(message, 'an array of objects').check(z.minLength(1)),
  functions: z.nullish(
    z
      .array(functionDefinition, 'an array of function definitions')
      .check(z.minLength(1), z.maxLength(FUNCTIONS_MAX)),
  ),
  function_call: z.nullish(z.union([named, z.enum(['none', 'auto'])])),
  tools: z.nullish(z.array(tool, 'an array of objects')),
  tool_choice: z.nullish(toolChoice),
  parallel_tool_calls: maybeBoolean,
  max_completion_tokens: tokensMax,
  max_tokens: tokensMax,
  n: z.nullish(integer(1, 128)),
  stop: z.nullish(
    z.union([string, z.array(string, 'an array of strings').check(z.minLength(1), z.maxLength(STOP_MAX))]),
  ),
  temperature: z.nullish(z.number().check(z.minimum(0), z.maximum(2))),
  top_p: z.nullish(z.number().check(z.minimum(0), z.maximum(1))),
  presence_penalty: penalty,
  frequency_penalty: penalty,
  logit_bias: z.nullish(z.record(string, integer())),
  logprobs: maybeBoolean,
  top_logprobs: z.nullish(integer(0, 20)),
  user: maybeString,
  seed: z.nullish(integer()),
  response_format: z.nullish(responseFormat),
  reasoning_effort: z.nullish(z.enum(efforts)),
  safety_identifier: z.nullish(z.string().check(characters(SAFETY_IDENTIFIER_CHARACTERS_MAX))),
  prompt_cache_options: maybeObject,
  prompt_cache_key: maybeString,
  prompt_cache_retention: maybeString,
  service_tier: maybeString,
  stream: maybeBoolean,
  stream_options: z.nullish(z.object({ include_usage: maybeBoolean, include_obfuscation: maybeBoolean })),
  store: maybeBoolean,
  metadata: z.nullish(z.record(string, string, 'a metadata object')),
  moderation: maybeObject,
  verbosity: z.nullish(z.enum(['low', 'medium', 'high'])),
  prediction: maybeObject,
  modalities: z.nullish(z.array(z.enum(['text', 'audio']), 'an array of strings')),
  audio: maybeObject,
  web_search_options: maybeObject,
})

export const chatCompletionRequest = body.check(({ value, issues }) => {
  if (value.stream_options == null || value.stream === true) return
  issues.push({
    code: 'custom',
    path: ['stream_options'],
    message: "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    input: value,
  })
})

/** All that the schema knows of a body. */
export type ChatCompletionBody = z.output<typeof chatCompletionRequest>

/** What the gateway itself reads of a body; the rest is between the caller and the model. */
export type ChatCompletionRequest = Pick<
  ChatCompletionBody,
  'model' | 'messages' | 'stream' | 'stream_options' | 'n' | 'max_tokens' | 'max_completion_tokens' | 'tools'
>

/** `z.maxLength` counts UTF-16 units, twice for an emoji, and would refuse what JSON Schema allows. */
function characters(maximum: number) {
  return z.check<string>(({ value, issues }) => {
    if (value.length <= maximum || (value.length <= 2 * maximum && Array.from(value).length <= maximum))
      return
    issues.push({ code: 'too_big', origin: 'string', maximum, inclusive: true, input: value })
  })
}
