/** Parses a request of the Responses API. The gateway has validated it, so only an unanswerable request is refused. */

import * as z from 'zod/mini'
import {
  unreadableField,
  type ParsedRequest,
  type Format,
  type Refusal,
  type Tool,
} from '../model/parsed-request.ts'
import { effortOf } from '../model/tokens.ts'
import { chooseTool, functionTool } from '../model/tool-choice.ts'
import { jsonOf, textOf } from '../model/turn-text.ts'

/** An item without a type is a message. */
const item = z.looseObject({
  type: z.optional(z.string()),
  role: z.optional(z.string()),
  content: z.optional(z.unknown()),
  output: z.optional(z.unknown()),
})

/** Its fields are not nested in `function`, as they are in a chat request. */
const tool = z.looseObject({
  type: z.string(),
  name: z.optional(z.string()),
  parameters: z.optional(z.unknown()),
})

const toolChoice = z.union([
  z.string(),
  z.looseObject({
    type: z.string(),
    name: z.optional(z.string()),
    tools: z.optional(z.array(z.looseObject({ name: z.optional(z.string()) }))),
  }),
])

export const responsesRequestSchema = z.looseObject({
  input: z.union([z.string(), z.array(item)]),
  instructions: z.nullish(z.string()),
  tools: z.nullish(z.array(tool)),
  tool_choice: z.nullish(toolChoice),
  text: z.nullish(
    z.looseObject({
      format: z.nullish(z.looseObject({ type: z.string(), schema: z.optional(z.unknown()) })),
    }),
  ),
  reasoning: z.nullish(z.looseObject({ effort: z.nullish(z.string()) })),
  max_output_tokens: z.nullish(z.number()),
})

type ResponsesRequest = z.output<typeof responsesRequestSchema>
type Item = z.output<typeof item>

export function parseResponsesRequest(inputs: unknown): ParsedRequest | Refusal {
  const parsed = responsesRequestSchema.safeParse(inputs)
  if (!parsed.success) return unreadableField(parsed.error.issues[0]?.path ?? [])
  const request = parsed.data
  const unnamed = request.tools?.findIndex(({ type, name }) => isCallable(type) && name === undefined) ?? -1
  if (unnamed >= 0) return missingParameter(`tools[${unnamed}].name`)
  const items: Item[] =
    typeof request.input === 'string' ? [{ role: 'user', content: request.input }] : request.input
  const lastUser = items.findLastIndex(({ role }) => role === 'user')
  const toolResults = items
    .slice(lastUser + 1)
    .filter(({ type }) => type === 'function_call_output' || type === 'custom_tool_call_output')
    .map(({ output }) => textOf(output))
  const called = toolResults.length > 0 ? null : toolOf(request)
  if (called !== null && 'refused' in called) return called
  return {
    turns: turnsOf(request, items),
    question: textOf((items[lastUser] ?? items.at(-1))?.content),
    toolResults,
    tool: called,
    format: formatOf(request),
    effort: effortOf(request.reasoning?.effort),
    tokensMax: request.max_output_tokens ?? null,
    stop: [],
    choices: 1,
  }
}

function toolOf({ tools, tool_choice: choice }: ResponsesRequest): Tool | null | Refusal {
  const offered = (tools ?? []).flatMap(offeredTool)
  if (typeof choice !== 'object' || choice === null) return chooseTool(offered, choice ?? 'auto')
  return chooseTool(offered, { name: choice.name ?? choice.tools?.[0]?.name })
}

/** The vendor's built-in tools are not simulated. */
function offeredTool({ type, name, parameters }: z.output<typeof tool>): Tool[] {
  if (name === undefined || !isCallable(type)) return []
  return type === 'custom' ? [{ kind: 'custom', name }] : [functionTool('function', { name, parameters })]
}

function isCallable(type: string): boolean {
  return type === 'function' || type === 'custom'
}

/** The model's own message. Tools in the form of a chat request are the usual mistake. */
function missingParameter(param: string): Refusal {
  return { refused: true, param, message: `Missing required parameter: '${param}'.` }
}

/** One text for the instructions, each item and each schema that the model would read. */
function turnsOf({ instructions, tools, text }: ResponsesRequest, items: readonly Item[]): string[] {
  const itemTexts = items.map(({ content, output, ...rest }) => {
    const isCall = rest.type === 'function_call' || rest.type === 'custom_tool_call'
    return textOf(content) + textOf(output) + (isCall ? jsonOf(rest) : '')
  })
  const schemas = [...(tools ?? []), text?.format?.schema].filter((schema) => schema !== undefined)
  return [...(instructions ? [instructions] : []), ...itemTexts, ...schemas.map(jsonOf)]
}

function formatOf({ text }: ResponsesRequest): Format {
  if (text?.format?.type === 'json_schema') return { kind: 'schema', schema: text.format.schema ?? {} }
  return text?.format?.type === 'json_object' ? { kind: 'object' } : { kind: 'text' }
}
