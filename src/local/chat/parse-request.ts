/** Parses a chat completion request. The gateway has validated it, so only an unanswerable request is refused. */

import * as z from 'zod/mini'
import {
  refusal,
  unreadableField,
  type ParsedRequest,
  type Format,
  type Refusal,
  type Tool,
} from '../model/parsed-request.ts'
import { effortOf } from '../model/tokens.ts'
import { chooseTool, functionTool } from '../model/tool-choice.ts'
import { jsonOf, textOf } from '../model/turn-text.ts'

/** The bound on `n` in OpenAI's API. */
export const CHOICES_MAX = 128

const named = z.looseObject({ name: z.string() })
const functionSchema = z.looseObject({ name: z.string(), parameters: z.optional(z.unknown()) })

const toolSchema = z.looseObject({
  type: z.string(),
  function: z.optional(functionSchema),
  custom: z.optional(named),
})

const toolChoiceSchema = z.union([
  z.string(),
  z.looseObject({ type: z.literal('function'), function: named }),
  z.looseObject({ type: z.literal('custom'), custom: named }),
  z.looseObject({
    type: z.literal('allowed_tools'),
    allowed_tools: z.looseObject({ tools: z.array(z.looseObject({ type: z.string() })) }),
  }),
])

const requestSchema = z.looseObject({
  messages: z.array(
    z.looseObject({
      role: z.string(),
      content: z.optional(z.unknown()),
      tool_calls: z.optional(z.unknown()),
      function_call: z.optional(z.unknown()),
    }),
  ),
  tools: z.nullish(z.array(toolSchema)),
  tool_choice: z.nullish(toolChoiceSchema),
  functions: z.nullish(z.array(functionSchema)),
  function_call: z.nullish(z.union([z.string(), named])),
  response_format: z.nullish(
    z.looseObject({
      type: z.string(),
      json_schema: z.optional(z.looseObject({ schema: z.optional(z.unknown()) })),
    }),
  ),
  reasoning_effort: z.nullish(z.string()),
  max_completion_tokens: z.nullish(z.number()),
  max_tokens: z.nullish(z.number()),
  stop: z.nullish(z.union([z.string(), z.array(z.string())])),
  n: z.nullish(z.int().check(z.gte(1), z.lte(CHOICES_MAX))),
})

type ChatRequest = z.output<typeof requestSchema>

export function parseChatRequest(inputs: unknown): ParsedRequest | Refusal {
  const parsed = requestSchema.safeParse(inputs)
  if (!parsed.success) return unreadableField(parsed.error.issues[0]?.path ?? [])
  const request = parsed.data
  const lastUser = request.messages.findLastIndex((message) => message.role === 'user')
  const toolResults = request.messages
    .slice(lastUser + 1)
    .filter((message) => message.role === 'tool' || message.role === 'function')
    .map((message) => textOf(message.content))
  const tool = toolResults.length > 0 ? null : toolOf(request)
  if (tool !== null && 'refused' in tool) return tool
  return {
    turns: turnsOf(request),
    question: textOf((request.messages[lastUser] ?? request.messages.at(-1))?.content),
    toolResults,
    tool,
    format: formatOf(request),
    effort: effortOf(request.reasoning_effort),
    tokensMax: tokensMaxOf(request),
    stop: [request.stop ?? []].flat().filter((text) => text !== ''),
    choices: request.n ?? 1,
  }
}

/** The tool to call. Without tools it is one of the deprecated functions. */
function toolOf(request: ChatRequest): Tool | null | Refusal {
  const offered = (request.tools ?? []).flatMap(offeredTool)
  if (offered.length === 0) return functionOf(request)
  const choice = request.tool_choice ?? 'auto'
  return chooseTool(offered, typeof choice === 'string' ? choice : { name: chosenName(choice) })
}

function functionOf({ functions, function_call: choice }: ChatRequest): Tool | null | Refusal {
  const offered = (functions ?? []).map((declared) => functionTool('legacy', declared))
  const chosen = chooseTool(offered, choice ?? 'auto')
  return chosen !== null && 'refused' in chosen
    ? refusal('function_call', 'there is no such function')
    : chosen
}

function offeredTool(tool: z.output<typeof toolSchema>): Tool[] {
  if (tool.type === 'function' && tool.function) return [functionTool('function', tool.function)]
  if (tool.type === 'custom' && tool.custom) return [{ kind: 'custom', name: tool.custom.name }]
  return []
}

/** A list of allowed tools chooses its first tool. */
function chosenName(choice: Exclude<z.output<typeof toolChoiceSchema>, string>): string | undefined {
  if ('allowed_tools' in choice) {
    const allowed = toolSchema.safeParse(
      z.looseObject({ tools: z.array(z.unknown()) }).parse(choice.allowed_tools).tools[0],
    )
    return allowed.success ? (allowed.data.function ?? allowed.data.custom)?.name : undefined
  }
  return 'custom' in choice ? named.parse(choice.custom).name : named.parse(choice['function']).name
}

/** One text for each message and each schema that the model would read. */
function turnsOf(request: ChatRequest): string[] {
  const messages = request.messages.map(
    ({ content, tool_calls: toolCalls, function_call: functionCall }) =>
      textOf(content) + jsonOf(toolCalls) + jsonOf(functionCall),
  )
  const schemas = [
    ...(request.tools ?? []),
    ...(request.functions ?? []),
    request.response_format?.json_schema,
  ]
  return [...messages, ...schemas.filter((schema) => schema !== undefined).map(jsonOf)]
}

function formatOf({ response_format: format }: ChatRequest): Format {
  if (format?.type === 'json_schema') return { kind: 'schema', schema: format.json_schema?.schema ?? {} }
  return format?.type === 'json_object' ? { kind: 'object' } : { kind: 'text' }
}

function tokensMaxOf({ max_completion_tokens: current, max_tokens: deprecated }: ChatRequest): number | null {
  const given = [current, deprecated].filter((max) => typeof max === 'number')
  return given.length === 0 ? null : Math.min(...given)
}
