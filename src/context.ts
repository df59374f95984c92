/** The variables that a request carries from stage to stage. A stage that reads a field stands after the stage that sets it. */
import type { ModelRequest } from './apis/api.ts'
import type { Settle, SettleAttempt } from './accounts/request-to-admit.ts'
import type { Bindings } from './accounts/objects.ts'
import type { Refusal } from './accounts/protocol.ts'
import type { Tags } from './accounts/tags.ts'
import type { Asked } from './accounts/worst-case.ts'
import type { Config } from './config.ts'
import type { ApiKeyView } from './keys/api-key.ts'
import type { Limits } from './limits/limits.ts'
import type { LogFields } from './log.ts'
import type { Model } from './models/model.ts'
import type { Meter } from './streams/meter.ts'
import type { StreamOutcome } from './streams/relay.ts'
import type { Deadline } from './timeout.ts'
import type { CallerRequest, Target } from './upstream/target.ts'

export interface Gateway {
  Bindings: Bindings
  Variables: {
    /** Set by `trace`: `req_` and 32 characters, always our own. `authenticate` puts the key's id into it. */
    requestId: string
    /** Set by `trace`: headers of whatever answer this request gets, a failure too. */
    responseHeaders: Record<string, string>
    /** Set by `trace`: aborts when the client disconnects. */
    clientSignal: AbortSignal
    /** Set by `trace`: the fields that stages add to the log line. */
    log: LogFields
    /** Set by `configure`. */
    config: Config
    /** Set by `authenticate`. */
    key: ApiKeyView
    /** Set by `authenticate`: the hash of the secret that the caller has shown. It is never logged. */
    secretSha256: string
    /** Set by `authenticate`: the key's limits, and the gateway's defaults where it has none. */
    limits: Limits
    /** Set by `readJson`: the body's bytes. `validateJson` decodes and frees them. */
    body: Uint8Array<ArrayBuffer> | undefined
    /** Set by `readJson`: the one timer of the request, for the end of its body and then for the model's first output. */
    deadline: Deadline
    /** Set by `readJson`: how many bytes the body had. */
    bodyBytes: number
    /** Set by `resolveModel`: the model that the name stands for. */
    model: Model
    /** Set by `resolveModel`: the models to try in turn, at least one. */
    models: readonly [Model, ...Model[]]
    /** Set by `resolveModel` or `complete`, where another model than the requested one answers: why that one does not. */
    fallbackReason: string | undefined
    /** Set by `prepareInputs`: the request that is fitted to each model in its turn. */
    callerRequest: CallerRequest
    /** Set by `prepareInputs`: the first model to try, with its inputs. `complete` sets it to the one that has answered. */
    target: Target
    /** Set by `prepareInputs`: the size of the request, by which it is priced before the model is asked. */
    asked: Asked
    /** Set by `prepareInputs`: the request's tags; `undefined` where it has none. They are a caller's text, and not logged. */
    tags: Tags | undefined
    /** Set by `prepareInputs`: the meter of the answer's stream; `null` where nothing needs the usage at once. */
    meter: Meter | null
    /** Set by `admit`: books the request. It is called when the answer has ended, or later, once its usage is known. */
    settle: Settle
    /** Set by a stage that refuses the request for a limit or the budget of its key. */
    refusal: Refusal | undefined
    /** Set by `admit`: books a failed attempt of a model that another one was tried after. */
    settleAttempt: SettleAttempt
    /** Set by `complete` for a stream: resolves when the client has all of it, or has closed. */
    ended: Promise<StreamOutcome> | undefined
  }
}

/** A route whose body has been checked to be a request to the model. */
export interface ModelInput<Request extends ModelRequest = ModelRequest> {
  in: { json: unknown }
  out: { json: Request }
}
