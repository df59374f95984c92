/** The one place that calls the model: `env.AI.run`, always in raw mode, and what its answer means. */
import type { Cancellation } from './cancellation.ts'
import { failureOfError, failureOfResponse, failureOfNothing, type FailureOutcome } from './failures.ts'
import type { Interpreter } from './translate/translation.ts'
import { translatedBody } from './translated-body.ts'

/** The part of the AI binding that the gateway uses; the local simulator has the same. */
export interface UpstreamBinding {
  run(model: string, inputs: Record<string, unknown>, options: UpstreamOptions): Promise<unknown>
  /** The logs of an AI Gateway; the binding gives it at once, the simulator as a promise. */
  gateway(id: string): GatewayLogs | Promise<GatewayLogs>
}

export interface GatewayLogs {
  /** Rejects where there is no such log (yet). */
  getLog(logId: string): Promise<unknown>
}

export interface UpstreamOptions {
  /** Every call must be raw, because a raw and a parsed call at the same time swap their results. */
  returnRawResponse: true
  gateway: GatewayOptions
  signal: AbortSignal
  /** Headers of the binding's own request, for what `gateway` has no option for. */
  extraHeaders?: Record<string, string>
}

/** AI Gateway's options for a call (https://developers.cloudflare.com/ai-gateway/usage/worker-binding-methods/). */
export interface GatewayOptions {
  id: string
  /** At most five entries, by which its analytics and spend limits can be split. */
  metadata?: Record<string, string>
  collectLog?: boolean
  skipCache?: boolean
  /** Seconds. */
  cacheTtl?: number
  requestTimeoutMs?: number
  retries?: { maxAttempts: number; retryDelayMs?: number | undefined; backoff?: string | undefined }
}

export interface UpstreamCall {
  slug: string
  inputs: Record<string, unknown>
  /** Turns a stream and an error into the caller's format; `null` where the upstream speaks it. */
  interpreter: Interpreter | null
  gateway: GatewayOptions
  /** Whether AI Gateway's log may hold the prompt and the answer. */
  logTexts: boolean
  stream: boolean
}

/**
 * AI Gateway then logs token counts, model, status and cost without the bodies. The binding's options have no such field:
 * https://developers.cloudflare.com/ai-gateway/observability/logging/
 */
const WITHOUT_TEXTS = { 'cf-aig-collect-log-payload': 'false' }

/** The part of a response that is read. */
export type AcceptedResponse = Pick<Response, 'headers' | 'arrayBuffer'> & {
  body: ReadableStream<Uint8Array>
}

export type UpstreamResult =
  /** `held` are bytes that were read of a stream already. */
  | { accepted: true; response: AcceptedResponse; held?: readonly Uint8Array[] }
  | ({ accepted: false } & FailureOutcome)

export type AcceptedResult = Extract<UpstreamResult, { accepted: true }>

/** Never throws: a failure of any shape is a result, and so is a cancelled call. Resolves with the headers, before the body. */
export async function callUpstream(
  ai: UpstreamBinding,
  call: UpstreamCall,
  cancellation: Pick<Cancellation, 'signal' | 'race'>,
): Promise<UpstreamResult> {
  try {
    // It must be called as a method of the binding, whose private fields make a detached call throw.
    const running = ai.run(call.slug, call.inputs, {
      returnRawResponse: true,
      gateway: call.gateway,
      signal: cancellation.signal,
      ...(call.logTexts ? {} : { extraHeaders: WITHOUT_TEXTS }),
    })
    const answer = await cancellation.race(running)
    if (!(answer instanceof Response)) return { accepted: false, ...failureOfNothing(answer) }
    if (isAccepted(answer, call.stream))
      return { accepted: true, response: translated(answer, call, cancellation.signal) }
    return inCallersWords(await cancellation.race(failureOfResponse(answer)), call)
  } catch (error) {
    return { accepted: false, ...failureOfError(error) }
  }
}

/** A stream is translated in passing, and any other answer once it is read. */
function translated(
  response: AcceptedResponse,
  { interpreter, stream }: UpstreamCall,
  signal: AbortSignal,
): AcceptedResponse {
  if (interpreter === null || !stream) return response
  const body = translatedBody(response.body, interpreter.stream(), signal)
  return { headers: response.headers, body, arrayBuffer: () => new Response(body).arrayBuffer() }
}

function inCallersWords(outcome: FailureOutcome, { interpreter }: UpstreamCall): UpstreamResult {
  const failure = interpreter === null ? outcome.failure : interpreter.error(outcome.failure)
  return { accepted: false, ...outcome, failure }
}

/** A 2xx with the content type that was asked for. Anything else is a failure, even with status 200. */
function isAccepted(response: Response, stream: boolean): response is Response & AcceptedResponse {
  const mediaType = response.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  return (
    response.ok && response.body !== null && mediaType === (stream ? 'text/event-stream' : 'application/json')
  )
}
