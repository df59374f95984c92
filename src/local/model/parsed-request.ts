/** What a call asks for, whichever request format it came in. Readers make it, `reply.ts` answers it. */

import type { Effort } from './tokens.ts'

export interface ParsedRequest {
  /** The text of every turn and of every schema that the model would read, for the token count. */
  readonly turns: readonly string[]
  /** The last thing the user said. */
  readonly question: string
  /** Results of tools since then, oldest first. */
  readonly toolResults: readonly string[]
  /** The tool that the next answer calls; null to answer with text. */
  readonly tool: Tool | null
  readonly format: Format
  readonly effort: Effort
  /** Bound on a choice's tokens, reasoning included; null without one. */
  readonly tokensMax: number | null
  /** Texts that end the answer where they would begin. */
  readonly stop: readonly string[]
  /** How many answers are wanted. */
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

/** Why a request cannot be answered, in the words and with the path of OpenAI's 400. */
export interface Refusal {
  readonly refused: true
  readonly param: string
  readonly message: string
}

/** For what a reader cannot read, with the path of the first thing that is wrong. */
export function unreadable(path: readonly PropertyKey[]): Refusal {
  const param = path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
  return refusal(param, 'the simulator cannot read it')
}

export function refusal(param: string, reason: string): Refusal {
  return { refused: true, param, message: `Invalid '${param}': ${reason}.` }
}
