/** Decides the answer, its length and its tokens. It knows no wire format. */

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

/** One choice. Its joined `pieces` are the text, or the input of the called tool. */
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
  readonly split: (text: string) => string[]
}

/** The same seed gives the same reply. `scriptedChunks` makes the answer that many words. */
export function replyTo(request: ParsedRequest, random: Random, scriptedChunks?: number): Reply {
  const reasoning = Math.min(REASONING_TOKENS[request.effort], Math.floor(request.tokensMax ?? Infinity))
  const textTokensMax = Math.max(0, Math.floor(request.tokensMax ?? Infinity) - reasoning)
  let completion = 0
  const choices = Array.from({ length: request.choices }, (_, index) => {
    const draft =
      scriptedChunks === undefined
        ? draftAnswer(request, index, random)
        : textDraft(scriptedWords(random, scriptedChunks))
    const { choice, tokens } = bounded(draft, request.stop, textTokensMax)
    completion += reasoning + tokens
    return choice
  })
  const prompt = request.turns.reduce((sum, turn) => sum + messageTokens(turn), 0)
  return { choices, tokens: { prompt, completion, reasoning: reasoning * request.choices } }
}

function draftAnswer(request: ParsedRequest, index: number, random: Random): Draft {
  if (request.tool?.kind === 'custom') {
    return { call: { ...request.tool, id: callId(random) }, text: request.question, split: wordPieces }
  }
  if (request.tool) {
    const { kind, name, schema } = request.tool
    return {
      call: { kind, name, id: callId(random) },
      text: JSON.stringify(fillSchema(schema)),
      split: jsonPieces,
    }
  }
  if (request.format.kind === 'schema') {
    return { call: null, text: JSON.stringify(fillSchema(request.format.schema)), split: jsonPieces }
  }
  if (request.format.kind === 'object')
    return { call: null, text: answerObject(request.question), split: jsonPieces }
  const answer = answerText(request.question, request.toolResults)
  return textDraft(index === 0 ? answer : `${answer} (Choice ${index + 1}.)`)
}

function textDraft(text: string): Draft {
  return { call: null, text, split: wordPieces }
}

/** Ends the text before a stop text, or where the tokens run out, as the model does. */
function bounded(
  draft: Draft,
  stop: readonly string[],
  textTokensMax: number,
): { choice: Choice; tokens: number } {
  const stopsAt = draft.call ? [] : stop.map((text) => draft.text.indexOf(text)).filter((at) => at >= 0)
  const stopped = draft.text.slice(0, Math.min(draft.text.length, ...stopsAt))
  const text = textTokens(stopped) > textTokensMax ? cutToTokens(stopped, textTokensMax) : stopped
  const isCut = text.length < stopped.length
  // Reasoning took all tokens, so the model could not even name a tool. The answer is an empty text.
  const call = isCut && text === '' ? null : draft.call
  const end = isCut ? 'length' : call ? 'call' : 'stop'
  return { choice: { call, pieces: draft.split(text), end }, tokens: textTokens(text) }
}

function callId(random: Random): string {
  return `call_${randomText(random, 24)}`
}
