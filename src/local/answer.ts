/** The simulated model's answer to a request, before it is delivered. */

import { apiFormatOf } from './api-format.ts'
import type { EarlyEnd, Part } from './delivery.ts'
import type { LoggedTokens } from './gateway-logs.ts'
import type { Envelope } from './model/envelope.ts'
import { missingReference } from './model/missing-reference.ts'
import type { Refusal } from './model/parsed-request.ts'
import { replyTo } from './model/reply.ts'
import type { Random } from './model/seeded-random.ts'
import type { Script } from './script.ts'

/** A JSON answer that is cut, ends early or hangs goes out in pieces of this size. Each piece counts as a chunk. */
export const JSON_CHUNK_CHARACTERS = 64

export interface Answer {
  readonly isStream: boolean
  readonly parts: Iterable<Part>
  /** The whole answer's tokens, also if its body ends early or is cancelled. */
  readonly loggedTokens: LoggedTokens
}

/** Parses the request and writes the answer to it, as JSON or as the events of a stream. */
export function answerOf(
  request: Record<string, unknown>,
  script: Script,
  envelope: Envelope,
  random: Random,
): Answer | Refusal {
  const format = apiFormatOf(request)
  const parsed = missingReference(request) ?? format.parse(request)
  if ('refused' in parsed) return parsed
  const reply = replyTo(parsed, random, script.chunks)
  const loggedTokens = format.loggedTokens(reply.tokens, script.usage ?? {})
  const served = {
    ...envelope,
    model: script.model ?? envelope.model,
    serviceTier: script.serviceTier ?? askedTier(request) ?? envelope.serviceTier,
  }
  const source = { envelope: served, reply, request, usage: script.usage, random }
  return request['stream'] === true
    ? { isStream: true, loggedTokens, parts: format.events(source) }
    : { isStream: false, loggedTokens, parts: jsonParts(JSON.stringify(format.json(source)), script) }
}

function* jsonParts(json: string, script: Script): Generator<Part> {
  const characters = earlyEndOf(script) ? JSON_CHUNK_CHARACTERS : json.length
  for (let from = 0; from < json.length; from += characters) {
    yield { text: json.slice(from, from + characters), isChunk: true, isPaced: false }
  }
}

/** The early end that a script asks for; null without one. */
export function earlyEndOf({ cut, end, hang }: Script): EarlyEnd | null {
  if (cut !== undefined) return { how: 'cut', afterChunks: cut }
  if (end !== undefined) return { how: 'end', afterChunks: end }
  if (hang === true || typeof hang === 'number') return { how: 'hang', afterChunks: hang === true ? 0 : hang }
  return null
}

/** A vendor that has room serves a request by the tier that it asks for. */
function askedTier({ service_tier: tier }: Record<string, unknown>): string | undefined {
  return typeof tier === 'string' && tier !== 'auto' ? tier : undefined
}
