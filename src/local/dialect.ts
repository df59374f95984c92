/** The two request formats of the model's catalog entry: how each is read, and how a reply is written in it. */

import type { Ask, Refusal } from './ask.ts'
import { readChatAsk } from './chat-ask.ts'
import { completionEvents } from './completion-stream.ts'
import { chatCompletion, envelopeOf, usageOf, type Envelope } from './completion.ts'
import type { Part } from './delivery.ts'
import type { LogEntry } from './gateway-logs.ts'
import type { Reply } from './reply.ts'
import {
  outputItems,
  responseEnvelope,
  responseObject,
  responseUsage,
  statusOf,
  type Request,
} from './response-object.ts'
import { responseEvents } from './response-stream.ts'
import { readResponsesAsk } from './responses-ask.ts'
import type { Random } from './seeded.ts'
import type { TokenCount } from './tokens.ts'

/** What a dialect writes an answer from. */
export interface Material {
  readonly envelope: Envelope
  readonly reply: Reply
  readonly request: Request
  /** Laid over the usage; null for none. */
  readonly usage: Record<string, unknown> | null | undefined
  readonly random: Random
}

export interface Dialect {
  /** Under the address of an OpenAI-compatible server. */
  readonly path: string
  envelope(slug: string, random: Random): Envelope
  read(request: Request): Ask | Refusal
  /** As AI Gateway's log has them. */
  tokens(tokens: TokenCount, overrides: Record<string, unknown>): LogEntry
  whole(material: Material): object
  events(material: Material): Iterable<Part>
}

/** As the binding tells them apart: the one has `messages`, the other `input`. */
export function dialectOf(request: Request): Dialect {
  return 'input' in request && !('messages' in request) ? responses : chat
}

const chat: Dialect = {
  path: '/chat/completions',
  envelope: envelopeOf,
  read: readChatAsk,
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

const responses: Dialect = {
  path: '/responses',
  envelope: (slug, random) => responseEnvelope(envelopeOf(slug, random), random),
  read: readResponsesAsk,
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

function reported({ tokens }: Reply, overrides: Material['usage']): object | null {
  return overrides === null ? null : responseUsage(tokens, overrides)
}

function streamOption({ stream_options: options }: Request, name: string): unknown {
  return typeof options === 'object' && options !== null
    ? Object.entries(options).find(([key]) => key === name)?.[1]
    : undefined
}
