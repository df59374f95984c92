/** Decides what is answered: text or a call, how much of it, and what it costs. Knows no wire format. */

import { answerObject, answerText } from './answers.ts'
import type { ParsedRequest } from './parsed-request.ts'
import { jsonPieces, scriptedWords, wordPieces } from './pieces.ts'
import { fillSchema } from '../json-schema/fill.ts'
import { randomText, type Random } from './seeded-random.ts'
import { cutToTokens, messageTokens, REASONING_TOKENS, textTokens, type TokenCount } from './tokens.ts'

export interface Reply {
  readonly choices: readonly Choice[]
  readonly tokens: TokenCount
}

/** What one choice says: `pieces` joined are the text, or what the called tool is given. */
export interface Choice {
  /** Null for text. */
  readonly call: {
    readonly kind: 'function' | 'legacy' | 'custom'
    readonly name: string
    readonly id: string
  } | null
  readonly pieces: readonly string[]
  readonly end: 'stop' | 'length' | 'call'
}

interface Draft {
  readonly call: Choice['call']
  readonly text: string
  readonly cut: (text: string) => string[]
}

/** `scriptedChunks` words instead of an answer, if it is given. Deterministic but for what `random` brings. */
export function replyTo(request: ParsedRequest, random: Random, scriptedChunks?: number): Reply {
  const reasoning = Math.min(REASONING_TOKENS[request.effort], Math.floor(request.tokensMax ?? Infinity))
  const textTokensMax = Math.max(0, Math.floor(request.tokensMax ?? Infinity) - reasoning)
  let completion = 0
  const choices = Array.from({ length: request.choices }, (_, index) => {
    const draft =
      scriptedChunks === undefined
        ? draftAnswer(request, index, random)
        : plainDraft(scriptedWords(random, scriptedChunks))
    const { choice, tokens } = bounded(draft, request.stop, textTokensMax)
    completion += reasoning + tokens
    return choice
  })
  const prompt = request.turns.reduce((sum, turn) => sum + messageTokens(turn), 0)
  return { choices, tokens: { prompt, completion, reasoning: reasoning * request.choices } }
}

function draftAnswer(request: ParsedRequest, index: number, random: Random): Draft {
  if (request.tool?.kind === 'custom') {
    return { call: { ...request.tool, id: callId(random) }, text: request.question, cut: wordPieces }
  }
  if (request.tool) {
    const { kind, name, schema } = request.tool
    return {
      call: { kind, name, id: callId(random) },
      text: JSON.stringify(fillSchema(schema)),
      cut: jsonPieces,
    }
  }
  if (request.format.kind === 'schema') {
    return { call: null, text: JSON.stringify(fillSchema(request.format.schema)), cut: jsonPieces }
  }
  if (request.format.kind === 'object')
    return { call: null, text: answerObject(request.question), cut: jsonPieces }
  const answer = answerText(request.question, request.toolResults)
  return plainDraft(index === 0 ? answer : `${answer} (Choice ${index + 1}.)`)
}

function plainDraft(text: string): Draft {
  return { call: null, text, cut: wordPieces }
}

/** Stops where a stop text would begin or the tokens run out, as the model does; the stop text is not sent. */
function bounded(
  draft: Draft,
  stop: readonly string[],
  textTokensMax: number,
): { choice: Choice; tokens: number } {
  const stopsAt = draft.call ? [] : stop.map((text) => draft.text.indexOf(text)).filter((at) => at >= 0)
  const stopped = draft.text.slice(0, Math.min(draft.text.length, ...stopsAt))
  const text = textTokens(stopped) > textTokensMax ? cutToTokens(stopped, textTokensMax) : stopped
  const isCut = text.length < stopped.length
  // Nothing was left to name a tool with: an empty text, as from the model that thought too long.
  const call = isCut && text === '' ? null : draft.call
  const end = isCut ? 'length' : call ? 'call' : 'stop'
  return { choice: { call, pieces: draft.cut(text), end }, tokens: textTokens(text) }
}

function callId(random: Random): string {
  return `call_${randomText(random, 24)}`
}
