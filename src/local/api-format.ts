/** The two request formats of the model's catalog entry: how each is read, and how a reply is written in it. */

import type { ParsedRequest, Refusal } from './model/parsed-request.ts'
import { parseChatRequest } from './chat/parse-request.ts'
import { completionEvents } from './chat/completion-stream.ts'
import { chatCompletion, usageOf } from './chat/completion.ts'
import { envelopeOf, type Envelope } from './model/envelope.ts'
import type { Part } from './delivery.ts'
import type { LogEntry } from './gateway-logs.ts'
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

/** What a format writes an answer from. */
export interface AnswerParts {
  readonly envelope: Envelope
  readonly reply: Reply
  readonly request: Request
  /** Laid over the usage; null for none. */
  readonly usage: Record<string, unknown> | null | undefined
  readonly random: Random
}

export interface ApiFormat {
  /** Under the address of an OpenAI-compatible server. */
  readonly path: string
  envelope(slug: string, random: Random): Envelope
  read(request: Request): ParsedRequest | Refusal
  /** As AI Gateway's log has them. */
  tokens(tokens: TokenCount, overrides: Record<string, unknown>): LogEntry
  whole(material: AnswerParts): object
  events(material: AnswerParts): Iterable<Part>
}

/** As the binding tells them apart: the one has `messages`, the other `input`. */
export function apiFormatOf(request: Request): ApiFormat {
  return 'input' in request && !('messages' in request) ? responses : chat
}

const chat: ApiFormat = {
  path: '/chat/completions',
  envelope: envelopeOf,
  read: parseChatRequest,
  tokens(tokens, overrides) {
    const { prompt_tokens, completion_tokens } = usageOf(tokens, overrides)
    return { tokens_in: prompt_tokens, tokens_out: completion_tokens }
  },
  whole: ({ envelope, reply, usage }) => chatCompletion(envelope, reply, usage),
  events({ envelope, reply, request, usage, random }) {
    const wishes = {
      includeUsage: streamOption(request, 'include_usage') === true,
      includeObfuscation: streamOption(request, 'include_obfuscation') !== false,
      usage,
    }
    return completionEvents(envelope, reply, wishes, random)
  },
}

const responses: ApiFormat = {
  path: '/responses',
  envelope: (slug, random) => responseEnvelope(envelopeOf(slug, random), random),
  read: parseResponsesRequest,
  tokens(tokens, overrides) {
    const { input_tokens, output_tokens } = responseUsage(tokens, overrides)
    return { tokens_in: input_tokens, tokens_out: output_tokens }
  },
  whole({ envelope, reply, request, usage, random }) {
    const output = outputItems(reply, request, random)
    return responseObject(envelope, request, statusOf(reply), output, reported(reply, usage))
  },
  events: ({ envelope, reply, request, usage, random }) =>
    responseEvents(envelope, reply, request, reported(reply, usage), random),
}

function reported({ tokens }: Reply, overrides: AnswerParts['usage']): object | null {
  return overrides === null ? null : responseUsage(tokens, overrides)
}

function streamOption({ stream_options: options }: Request, name: string): unknown {
  return typeof options === 'object' && options !== null
    ? Object.entries(options).find(([key]) => key === name)?.[1]
    : undefined
}
