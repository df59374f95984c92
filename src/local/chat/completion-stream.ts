/** Writes a reply as the events of a chat completion stream. Each event is made when it is sent. */

import type { Tool } from '../model/parsed-request.ts'
import type { Envelope } from '../model/envelope.ts'
import { obfuscation } from '../model/pieces.ts'
import { finishReason, usageOf } from './completion.ts'
import type { Part } from '../delivery.ts'
import type { Choice, Reply } from '../model/reply.ts'
import type { Random } from '../model/seeded-random.ts'

export interface StreamOptions {
  /** The last chunk has the usage, and every other chunk has `"usage":null`. */
  readonly includeUsage: boolean
  readonly includeObfuscation: boolean
  /** Overrides fields of the usage; null leaves the usage chunk out. */
  readonly usage: Record<string, unknown> | null | undefined
}

/** Several choices take turns, piece by piece. Only the pieces are paced. */
export function* completionEvents(
  envelope: Envelope,
  reply: Reply,
  options: StreamOptions,
  random: Random,
): Generator<Part> {
  const chunk = (choices: object[], usage: object | null, isPaced = false): Part => {
    const event = {
      id: envelope.id,
      object: 'chat.completion.chunk',
      created: envelope.created,
      model: envelope.model,
      service_tier: envelope.serviceTier,
      system_fingerprint: envelope.fingerprint,
      choices,
      ...(options.includeUsage ? { usage } : {}),
      ...(options.includeObfuscation ? { obfuscation: obfuscation(random) } : {}),
    }
    return { text: `data: ${JSON.stringify(event)}\n\n`, isChunk: true, isPaced }
  }
  const { choices } = reply
  for (const [index, choice] of choices.entries()) {
    yield chunk([{ index, delta: firstDelta(choice), finish_reason: null }], null)
  }
  const rounds = Math.max(...choices.map(({ pieces }) => pieces.length))
  for (let round = 0; round < rounds; round++) {
    for (const [index, choice] of choices.entries()) {
      const piece = choice.pieces[round]
      if (piece !== undefined)
        yield chunk([{ index, delta: pieceDelta(choice, piece), finish_reason: null }], null, true)
    }
  }
  for (const [index, choice] of choices.entries()) {
    yield chunk([{ index, delta: {}, finish_reason: finishReason(choice) }], null)
  }
  if (options.includeUsage && options.usage !== null) yield chunk([], usageOf(reply.tokens, options.usage))
  yield { text: 'data: [DONE]\n\n', isChunk: false, isPaced: false }
}

function firstDelta({ call }: Choice): object {
  if (!call) return { role: 'assistant', content: '', refusal: null }
  const { kind, name, id } = call
  const callField =
    kind === 'legacy'
      ? { function_call: { name, arguments: '' } }
      : { tool_calls: [{ index: 0, id, type: kind, [kind]: { name, ...inputField(kind, '') } }] }
  return { role: 'assistant', content: null, ...callField, refusal: null }
}

function pieceDelta({ call }: Choice, piece: string): object {
  if (!call) return { content: piece }
  const { kind } = call
  if (kind === 'legacy') return { function_call: inputField(kind, piece) }
  return { tool_calls: [{ index: 0, [kind]: inputField(kind, piece) }] }
}

/** A custom tool takes text (`input`), a function takes JSON (`arguments`). */
function inputField(kind: Tool['kind'], text: string): object {
  return kind === 'custom' ? { input: text } : { arguments: text }
}
