/**
 * What a request will take in tokens, guessed before it is served: the prompt from its length, the completion from the
 * key's own past. Both are replaced by the real usage when the answer ends.
 */
import type { ChatCompletionRequest } from '../wire/chat-completion-request.ts'

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

/** Tokens of the prompt: texts, tool calls and tool definitions; an image or a file counts nothing. */
export function estimatePromptTokens(request: ChatCompletionRequest): number {
  let characters = request.tools ? JSON.stringify(request.tools).length : 0
  for (const message of request.messages) {
    characters += charactersOf(message.content)
    if ('tool_calls' in message && message.tool_calls) characters += JSON.stringify(message.tool_calls).length
  }
  return Math.ceil(characters / CHARACTERS_PER_TOKEN) + TOKENS_PER_MESSAGE * request.messages.length
}

/** What each key's completions take on average, as far as this isolate has seen. */
export class CompletionForecast {
  readonly #means = new Map<string, { mean: number; count: number }>()

  /** Tokens to reserve: the key's mean for each choice, and never more than the request allows. */
  reserve(keyId: string, request: ChatCompletionRequest): number {
    const mean = this.#means.get(keyId)?.mean ?? FIRST_COMPLETION_TOKENS
    const most = request.max_completion_tokens ?? request.max_tokens ?? Infinity
    return Math.ceil(Math.min(most, mean) * (request.n ?? 1))
  }

  /** Learns from an answer; `tokens` are those of all its choices. */
  learn(keyId: string, tokens: number, choices: number): void {
    const known = this.#means.get(keyId) ?? { mean: 0, count: 0 }
    const count = Math.min(known.count + 1, MEAN_OVER)
    this.#means.delete(keyId)
    this.#means.set(keyId, { mean: known.mean + (tokens / choices - known.mean) / count, count })
    const oldest = this.#means.size > FORECAST_KEYS_MAX ? this.#means.keys().next().value : undefined
    if (oldest !== undefined) this.#means.delete(oldest)
  }

  get size(): number {
    return this.#means.size
  }
}

function charactersOf(content: ChatCompletionRequest['messages'][number]['content']): number {
  if (typeof content === 'string') return content.length
  let characters = 0
  for (const part of content ?? []) if (part.type === 'text') characters += part.text.length
  return characters
}
