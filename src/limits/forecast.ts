/**
 * What a request will take in tokens, guessed before it is served: the prompt from its length, the completion from the
 * key's own past. Both are replaced by the real usage when the answer ends.
 */
import { recall } from '../lru.ts'
import type { ModelRequest } from '../context.ts'
import { field } from '../wire/field.ts'

/** English prose has about four characters a token; other languages and code have fewer, so that they are under-guessed. */
const CHARACTERS_PER_TOKEN = 4
/** What the chat format adds to each message. */
const TOKENS_PER_MESSAGE = 3
/** A key's first completion. */
export const FIRST_COMPLETION_TOKENS = 400
/** A mean over about so many completions: a key that changes its habits is understood after as many. */
const MEAN_OVER = 20
/** Keys an isolate remembers the mean of; the least recently used one is forgotten. */
export const FORECAST_KEYS_MAX = 5_000

/** Where the texts of a message or an item stand: what is said, and what tools are called with and answer. */
const TEXTS = ['content', 'arguments', 'input', 'output']

/** Tokens of the prompt: texts, tool calls and tool definitions; an image or a file counts nothing. */
export function estimatePromptTokens(request: ModelRequest): number {
  let characters = request.tools ? JSON.stringify(request.tools).length : 0
  let turns: readonly unknown[]
  if ('messages' in request) {
    turns = request.messages
    for (const message of request.messages) {
      if ('tool_calls' in message && message.tool_calls)
        characters += JSON.stringify(message.tool_calls).length
    }
  } else {
    turns = typeof request.input === 'string' ? [{ content: request.input }] : request.input
    characters += charactersOf(request.instructions)
  }
  for (const turn of turns) for (const name of TEXTS) characters += charactersOf(field(turn, name))
  return Math.ceil(characters / CHARACTERS_PER_TOKEN) + TOKENS_PER_MESSAGE * turns.length
}

/** How many answers are wanted. */
export function choicesOf(request: ModelRequest): number {
  return ('messages' in request && request.n) || 1
}

/** What each key's completions take on average, as far as this isolate has seen. */
export class CompletionForecast {
  readonly #means = new Map<string, { mean: number; count: number }>()

  /** Tokens to reserve: the key's mean for each choice, and never more than the request allows. */
  reserve(keyId: string, request: ModelRequest): number {
    const mean = this.#means.get(keyId)?.mean ?? FIRST_COMPLETION_TOKENS
    const most =
      'messages' in request
        ? (request.max_completion_tokens ?? request.max_tokens)
        : request.max_output_tokens
    return Math.ceil(Math.min(most ?? Infinity, mean) * choicesOf(request))
  }

  /** Learns from an answer; `tokens` are those of all its choices. */
  learn(keyId: string, tokens: number, choices: number): void {
    const known = recall(this.#means, keyId, FORECAST_KEYS_MAX, () => ({ mean: 0, count: 0 }))
    known.count = Math.min(known.count + 1, MEAN_OVER)
    known.mean += (tokens / choices - known.mean) / known.count
  }

  get size(): number {
    return this.#means.size
  }
}

/** Of a text or of all text parts. */
function charactersOf(content: unknown): number {
  if (typeof content === 'string') return content.length
  if (!Array.isArray(content)) return 0
  let characters = 0
  for (const part of content) {
    const text = field(part, 'text')
    if (typeof text === 'string') characters += text.length
  }
  return characters
}
