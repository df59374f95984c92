/** The interface of the two APIs. One object for each owns everything in which they differ. */
import type * as z from 'zod/mini'
import type { ErrorBody } from '../error-envelope.ts'
import type { Format } from '../models/model.ts'
import type { Meter } from '../streams/meter.ts'
import { field } from '../wire/field.ts'

export interface Api<Request extends ModelRequest> {
  /** The format of its requests and answers. */
  readonly format: Format
  /** Judges a body. The stages carry the caller's own JSON and not the schema's copy. */
  readonly schema: z.ZodMiniType<Request>
  /** The parameters that cap a completion's tokens, reasoning included. The first is the one that reasoning models know. */
  readonly tokenCapNames: readonly [string, ...string[]]
  /** Measures the prompt, for the estimate of its tokens. */
  measurePrompt(request: Request): PromptSize
  /** The most tokens that the caller wants for one choice; `undefined` where the body does not say. */
  tokenCapOf(request: Request): number | undefined
  /** How many answers the caller wants. */
  choicesOf(request: Request): number
  /** Whether the prompt can be longer than the body: images, files, references and hosted tools. */
  hasContentElsewhere(request: Request): boolean
  /** The upstream's inputs: the body without `model`, and with what the model is known to stumble over mended. */
  toInputs(request: Request): Inputs
  /** Parameters that the API takes only beside `store: true`. */
  readonly onlyWithStore: readonly string[]
  /** The same inputs, with the usage asked for where the API does not send it unasked. */
  withUsage(inputs: Inputs): Inputs
  /** Reads a stream of this request in passing. It leaves out what `withUsage` added and the caller had not asked for. */
  createMeter(request: Request): Meter
  /**
   * Whether the data of a stream's event, or the head of long data, are output of the model. The text has one character for
   * each byte. An unknown event counts as output: a stream in an unknown format is then piped natively, and no time-out for
   * the first output can cut it.
   */
  readonly isOutput: (data: string) => boolean
  /** The event that ends a broken stream after so many others, without the empty line behind it. */
  readonly errorEvent: (body: ErrorBody, events: number) => string
}

/** The fields that a request has in either API. */
export interface ModelRequest {
  model: string
  stream?: boolean | null | undefined
}

/** The inputs of `env.AI.run`. */
export type Inputs = Record<string, unknown>

export interface PromptSize {
  /** Characters of texts, tool calls and tool definitions. An image or a file counts nothing. */
  characters: number
  /** Messages or items. */
  turns: number
}

/** Fields in which the texts of a message or an item stand. */
const TEXTS = ['content', 'arguments', 'input', 'output']

/** Measures messages or items, and the definitions of tools beside them. */
export function measureTurns(turns: readonly unknown[], tools: unknown): PromptSize {
  let characters = tools ? JSON.stringify(tools).length : 0
  for (const turn of turns) for (const name of TEXTS) characters += charactersOf(field(turn, name))
  return { characters, turns: turns.length }
}

/** The characters of a text, or of all text parts. */
export function charactersOf(content: unknown): number {
  if (typeof content === 'string') return content.length
  if (!Array.isArray(content)) return 0
  let characters = 0
  for (const part of content) {
    const text = field(part, 'text')
    if (typeof text === 'string') characters += text.length
  }
  return characters
}

/** Parts whose tokens all stand in the body. A part of an image or a file can stand for thousands of tokens. */
const TEXT_PARTS = new Set<unknown>([
  'text',
  'input_text',
  'output_text',
  'refusal',
  'reasoning_text',
  'summary_text',
])

/** Whether a message or an item has a part that is no text. */
export function hasOtherParts(turns: readonly unknown[]): boolean {
  return turns.some((turn) =>
    ['content', 'output'].some((name) => {
      const parts = field(turn, name)
      return Array.isArray(parts) && parts.some((part) => !TEXT_PARTS.has(field(part, 'type')))
    }),
  )
}

/** Whether the vendor runs a tool itself, and so adds what the tool finds to the prompt. */
export function hasHostedTools(tools: unknown): boolean {
  return Array.isArray(tools) && tools.some((tool) => !CALLER_TOOLS.has(field(tool, 'type')))
}

/** Tools that the caller runs, and whose definitions stand in the body. */
export const CALLER_TOOLS: ReadonlySet<unknown> = new Set(['function', 'custom'])
