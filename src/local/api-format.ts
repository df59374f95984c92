/** The two request formats of the model's catalog entry. Each parses a request and writes a reply. */

import type { ParsedRequest, Refusal } from './model/parsed-request.ts'
import { parseChatRequest } from './chat/parse-request.ts'
import { completionEvents } from './chat/completion-stream.ts'
import { chatCompletion, usageOf } from './chat/completion.ts'
import { envelopeOf, type Envelope } from './model/envelope.ts'
import type { Part } from './delivery.ts'
import type { LoggedTokens } from './gateway-logs.ts'
import type { Reply } from './model/reply.ts'
import {
  outputItems,
  responseEnvelope,
  responseObject,
  responseUsage,
  statusOf,
  type Request,
} from './responses/response-object.ts'
import { responseEvents } from './responses/response-stream.ts'
import { parseResponsesRequest } from './responses/parse-request.ts'
import type { Random } from './model/seeded-random.ts'
import type { TokenCount } from './model/tokens.ts'

/** A format writes an answer from these. */
export interface AnswerSource {
  readonly envelope: Envelope
  readonly reply: Reply
  readonly request: Request
  /** Overrides fields of the usage; null reports none. */
  readonly usage: Record<string, unknown> | null | undefined
  readonly random: Random
}

export interface ApiFormat {
  /** The path below the base URL of an OpenAI-compatible server. */
  readonly path: string
  envelope(slug: string, random: Random): Envelope
  parse(request: Request): ParsedRequest | Refusal
  /** The tokens in AI Gateway's log. */
  loggedTokens(tokens: TokenCount, overrides: Record<string, unknown>): LoggedTokens
  json(source: AnswerSource): object
  events(source: AnswerSource): Iterable<Part>
}

/** The binding's rule: a chat request has `messages`, a Responses request has `input`. */
export function apiFormatOf(request: Request): ApiFormat {
  return 'input' in request && !('messages' in request) ? responses : chat
}

const chat: ApiFormat = {
  path: '/chat/completions',
  envelope: envelopeOf,
  parse: parseChatRequest,
  loggedTokens(tokens, overrides) {
    const { prompt_tokens, completion_tokens } = usageOf(tokens, overrides)
    return { tokens_in: prompt_tokens, tokens_out: completion_tokens }
  },
  json: ({ envelope, reply, usage }) => chatCompletion(envelope, reply, usage),
  events({ envelope, reply, request, usage, random }) {
    const options = {
      includeUsage: streamOption(request, 'include_usage') === true,
      includeObfuscation: streamOption(request, 'include_obfuscation') !== false,
      usage,
    }
    return completionEvents(envelope, reply, options, random)
  },
}

const responses: ApiFormat = {
  path: '/responses',
  envelope: (slug, random) => responseEnvelope(envelopeOf(slug, random), random),
  parse: parseResponsesRequest,
  loggedTokens(tokens, overrides) {
    const { input_tokens, output_tokens } = responseUsage(tokens, overrides)
    return { tokens_in: input_tokens, tokens_out: output_tokens }
  },
  json({ envelope, reply, request, usage, random }) {
    const output = outputItems(reply, request, random)
    return responseObject(envelope, request, statusOf(reply), output, reportedUsage(reply, usage))
  },
  events: ({ envelope, reply, request, usage, random }) =>
    responseEvents(envelope, reply, request, reportedUsage(reply, usage), random),
}

function reportedUsage({ tokens }: Reply, overrides: AnswerSource['usage']): object | null {
  return overrides === null ? null : responseUsage(tokens, overrides)
}

function streamOption({ stream_options: options }: Request, name: string): unknown {
  return typeof options === 'object' && options !== null
    ? Object.entries(options).find(([key]) => key === name)?.[1]
    : undefined
}
