/** The last stage: calls the model and answers with what it says, byte for byte. */
import type { Context } from 'hono'
import { NO_OUTPUT } from '../accounts/request-end.ts'
import type { Api, ModelRequest } from '../apis/api.ts'
import type { Gateway } from '../context.ts'
import { renderFailure } from '../render-failure.ts'
import { GatewayError } from '../failure.ts'
import { type Relay, relay, type StreamOutcome } from '../streams/relay.ts'
import { Deadline, raceDeadline, TIMED_OUT } from '../timeout.ts'
import { type AnswerFacts, answerFactsOf } from '../upstream/answer-facts.ts'
import type { Attempts } from '../upstream/attempts.ts'
import { callUpstream, type UpstreamResult } from '../upstream/call.ts'
import { Cancellation } from '../upstream/cancellation.ts'
import { type FailureOutcome, timeoutOutcome } from '../upstream/failures.ts'
import { readAnswer } from '../upstream/read-answer.ts'
import { fallBack, tellFallback } from './fall-back.ts'
import { settleStream } from './settle-stream.ts'
import { addAlert, warnOfOtherModel, watchModel } from './warn-of-model.ts'

/** Headers of every stream: nothing on the way may cache, compress or hold back a chunk. */
const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Otherwise `wrangler dev` would compress the stream, and so hold chunks back.
  'content-encoding': 'identity',
  'x-accel-buffering': 'no',
}

const JSON_HEADERS = { 'content-type': 'application/json' }

/** Entries of metadata that AI Gateway keeps: https://developers.cloudflare.com/ai-gateway/observability/custom-metadata/ */
export const METADATA_ENTRIES_MAX = 5

/** @throws GatewayError whatever `upstream/failures.ts` makes of a failed call; `client_closed`. */
export function complete<Request extends ModelRequest>(api: Api<Request>) {
  return function complete(c: Context<Gateway>): Promise<Response> {
    const config = c.get('config')
    const stream = c.get('target').inputs['stream'] === true
    c.get('log').stream = stream
    const cancellation = new Cancellation(c.get('clientSignal'), config.upstreamTimeoutMs, c.get('deadline'))
    const { logTexts } = config
    const gateway = { ...config.gateway, metadata: metadataOf(c) }
    const call: Attempts['call'] = ({ model: { slug }, inputs, interpreter }, attempt) =>
      callUpstream(c.env.AI, { slug, inputs, interpreter, gateway, logTexts, stream }, attempt)
    const upstream =
      c.get('models').length === 1
        ? call(c.get('target'), cancellation)
        : fallBack(c, api.isOutput, { call, cancellation })
    return stream
      ? answerStream(c, { upstream, cancellation, api: watchModel(c, api), meter: c.get('meter') })
      : answerWhole(c, upstream, cancellation)
  }
}

/** Three tags take the place of the key's name. */
function metadataOf(c: Context<Gateway>): Record<string, string> {
  const { id, name } = c.get('key')
  const tags = c.get('tags') ?? {}
  const named = Object.keys(tags).length + 3 <= METADATA_ENTRIES_MAX ? { key_name: name } : {}
  return { key_id: id, ...named, request_id: c.get('requestId'), ...tags }
}

/** The answer's headers leave when the upstream has accepted, or with the first comment. A later failure is an event. */
async function answerStream(
  c: Context<Gateway>,
  call: Pick<Relay, 'upstream' | 'cancellation' | 'api' | 'meter'>,
): Promise<Response> {
  const { upstream, cancellation, meter } = call
  const { keepAliveMs, idleMs } = c.get('config')
  const silence = new Deadline()
  const first = await raceDeadline(upstream, keepAliveMs, silence)
  if (first !== TIMED_OUT && !first.accepted) {
    silence.end()
    return throwFailure(c, first, cancellation)
  }
  const early = first === TIMED_OUT ? null : first
  const { readable, writable } = new IdentityTransformStream()
  if (early !== null) showAnswerFacts(c, answerFactsOf(early.response))
  const finish = async (): Promise<StreamOutcome> => {
    const end = await relay({ ...call, writable, keepAliveMs, idleMs, silence, early })
    c.get('log').outcome = end.outcome
    if (end.outcome === 'upstream_failed') {
      c.get('log').reason = end.diagnosis.reason
      addAlert(c, end.diagnosis)
    }
    return end
  }
  const ended = finish()
  c.set('ended', ended)
  c.executionCtx.waitUntil(ended.then(async (end) => settleStream(c, await upstream, end, meter)))
  // The upstream's headers stay inside: they name its cookies, organisation, limits and request ids.
  return new Response(readable, { headers: STREAM_HEADERS })
}

/**
 * Sends an answer that is no stream once it is complete. A cut answer is then a 502, and not half a JSON object after a 200.
 * The usage is in the answer.
 */
async function answerWhole(
  c: Context<Gateway>,
  upstream: Promise<UpstreamResult>,
  cancellation: Cancellation,
): Promise<Response> {
  const result = await upstream
  if (!result.accepted) return throwFailure(c, result, cancellation)
  const answer = answerFactsOf(result.response)
  const content = await readAnswer(result.response, c.get('target').interpreter, cancellation)
  if (!content.read) return throwFailure(c, content, cancellation, answer)
  cancellation.clearTimeout()
  showAnswerFacts(c, answer)
  warnOfOtherModel(c, content.model)
  const { model } = c.get('target')
  const { usage } = content
  c.get('settle')({
    ...NO_OUTPUT,
    model,
    usage,
    answer,
    failed: false,
    isCharged: true,
    status: 200,
    reason: null,
  })
  // One object costs less than headers that are set one by one on the finished answer.
  return new Response(content.body, { headers: { ...JSON_HEADERS, ...c.get('responseHeaders') } })
}

/** `answer` is `null` for a call that the upstream has not accepted. */
function throwFailure(
  c: Context<Gateway>,
  outcome: FailureOutcome,
  cancellation: Cancellation,
  answer: AnswerFacts | null = null,
): never {
  const hasClientLeft = cancellation.cancelReason === 'client_closed'
  // A call that was cancelled may have made the model think.
  const isCharged = answer !== null || cancellation.cancelReason !== null || outcome.mayHaveWorked
  cancellation.clearTimeout()
  const { failure, diagnosis } = cancellation.cancelReason === 'timeout' ? timeoutOutcome() : outcome
  const error = hasClientLeft
    ? new GatewayError({ kind: 'client_closed' })
    : new GatewayError(failure, diagnosis.reason)
  const { model } = c.get('target')
  const { status } = renderFailure(error.failure)
  const { reason } = error
  c.get('settle')({ ...NO_OUTPUT, model, answer, failed: !hasClientLeft, isCharged, status, reason })
  if (!hasClientLeft) addAlert(c, diagnosis)
  throw error
}

/** The caller may know the entry of AI Gateway's log, whether its cache answered, and which model has. */
function showAnswerFacts(c: Context<Gateway>, { logId, cacheStatus }: AnswerFacts): void {
  tellFallback(c)
  if (logId !== null) c.get('responseHeaders')['x-gateway-log-id'] = logId
  if (cacheStatus !== null) c.get('responseHeaders')['cf-aig-cache-status'] = cacheStatus
}
