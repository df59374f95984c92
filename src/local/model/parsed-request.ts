/** A request of either API after parsing. `reply.ts` answers it. */

import type { Effort } from './tokens.ts'

export interface ParsedRequest {
  /** The text of every turn and schema that the model would read. The prompt's tokens are counted from it. */
  readonly turns: readonly string[]
  /** The user's last message. */
  readonly question: string
  /** The results of tools after the question, oldest first. */
  readonly toolResults: readonly string[]
  /** The tool that the answer calls; null for an answer in text. */
  readonly tool: Tool | null
  readonly format: Format
  readonly effort: Effort
  /** The bound on a choice's tokens, reasoning included; null without a bound. */
  readonly tokensMax: number | null
  /** The stop texts. The answer ends before the first of them. */
  readonly stop: readonly string[]
  /** The number of answers (`n`). */
  readonly choices: number
}

/** `legacy` is a function of the deprecated `functions` field. */
export type Tool =
  | { readonly kind: 'function' | 'legacy'; readonly name: string; readonly schema: unknown }
  | { readonly kind: 'custom'; readonly name: string }

export type Format =
  | { readonly kind: 'text' }
  | { readonly kind: 'object' }
  | { readonly kind: 'schema'; readonly schema: unknown }

/** The reason why a request cannot be answered, with the message and the path of OpenAI's error. */
export interface Refusal {
  readonly refused: true
  readonly param: string | null
  readonly message: string
  /** 400 by default. */
  readonly status?: number
  /** Null by default. */
  readonly code?: string
}

/** The refusal of a request with an invalid field at `path`. */
export function unreadableField(path: readonly PropertyKey[]): Refusal {
  const param = path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
  return refusal(param, 'the simulator cannot read it')
}

export function refusal(param: string, reason: string): Refusal {
  return { refused: true, param, message: `Invalid '${param}': ${reason}.` }
}
