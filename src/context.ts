/** What a request carries from stage to stage. */
import type { Config, Env } from './config.ts'
import type { Model } from './models.ts'
import type { ApiKey } from './keys/api-key.ts'
import type { StreamEnd } from './streams/relay.ts'
import type { ChatCompletionRequest } from './apis/chat-completions-schema.ts'
import type { ResponsesRequest } from './apis/responses-schema.ts'
import type { Usage } from './wire/usage.ts'

export interface Gateway {
  Bindings: Env
  Variables: {
    /** `req_` and 32 hex digits; always our own. */
    requestId: string
    /** What goes out with whatever answer this request gets, a failure too: its id, its limits. */
    answerHeaders: Record<string, string>
    config: Config
    /** Aborts when the client goes away. Kept from the original request: the body limit may replace that. */
    clientGone: AbortSignal
    /** Set by `authenticate`. */
    key: ApiKey
    /** Set by `validate`. */
    model: Model
    /** Set by `adapt`: what the model is called with. */
    inputs: Record<string, unknown>
    /** Set by `limit`: to be called when the answer has ended, or later, once its usage is known. Only the first call counts. */
    settle: (ending: Ending) => void
    /** Set by `limit`: the key has a limit that needs every answer's usage at once. */
    needsUsage: boolean
    /** Set by `complete` for a stream: resolves when the client has all of it, or has gone. */
    ended: Promise<StreamEnd>
    /** What the log line says beside what every request has; never a secret, a hash or the text of a message. */
    log: LogFields
  }
}

/** How an answer ended, and what it took. */
export interface Ending {
  /** As the upstream reported it; `null` where it is not known. */
  usage: Usage | null
  /** Whether the upstream failed the request, before its answer or within it. */
  failed: boolean
  /**
   * Completion tokens that were seen of an answer that broke off, at least 0: without a usage the key is charged these and
   * the prompt's estimate. Neither given, a request that failed costs nothing, and one that did not is counted unmetered.
   */
  seenTokens?: number | undefined
}

/** The two formats of a request to the model; `messages` tells them apart, which the one has and the other refuses. */
export type ModelRequest = ChatCompletionRequest | ResponsesRequest

/** A route whose body has been checked to be a request to the model. */
export interface ModelInput {
  in: { json: unknown }
  out: { json: ModelRequest }
}

export interface LogFields {
  keyId?: string
  model?: string
  stream?: boolean
  /** How a stream ended. */
  outcome?: StreamEnd['outcome']
  /** Why a request failed, in the words of the code: more than the caller may learn. */
  reason?: string
  /** A sentence for the operator, where something must be done; makes the line an error. */
  alert?: string
}
