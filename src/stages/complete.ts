/** The last stage: calls the model and answers with what it says, byte for byte. */
import type { Context } from 'hono'
import type { Gateway } from '../context.ts'
import type { Config } from '../config.ts'
import { GatewayError } from '../failure.ts'
import { Lifeline } from '../upstream/cancellation.ts'
import { type Relay, relay, SILENT, type StreamEnd, within } from '../streams/relay.ts'
import type { StreamFormat } from '../streams/stream-format.ts'
import { callUpstream, type UpstreamResult } from '../upstream/call.ts'
import {
  failureOfError,
  failureOfNothing,
  type FailureOutcome,
  timeoutOutcome,
} from '../upstream/failures.ts'
import { field } from '../wire/field.ts'
import { parseUsage, type Usage } from '../wire/usage.ts'
import { settleStream } from './settle-stream.ts'

/** Headers of every stream: nothing on the way may cache, compress or hold back a chunk. */
const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // `wrangler dev` would compress the stream otherwise, and so hold chunks back.
  'content-encoding': 'identity',
  'x-accel-buffering': 'no',
}

const JSON_HEADERS = { 'content-type': 'application/json' }

const utf8 = new TextDecoder()

/**
 * A larger answer goes out unread, and its usage is not known: text and objects of it beside its bytes would take much of
 * an isolate's 128 MB, and so every other request's answer. It is forty times the longest that o3-mini can give.
 */
export const ANSWER_BYTES_READ_MAX = 16 * 1024 * 1024

/** @throws GatewayError whatever `upstream/failures.ts` makes of a failed call; `client_closed`. */
export function complete(format: StreamFormat) {
  return function complete(c: Context<Gateway>): Promise<Response> {
    const inputs = c.get('inputs')
    const config = c.get('config')
    const { id, name } = c.get('key')
    const stream = inputs['stream'] === true
    c.get('log').stream = stream
    const meter = stream && isMetered(config.meterStreams, c.get('needsUsage')) ? format.meter(inputs) : null
    const lifeline = new Lifeline(c.get('clientGone'), config.upstreamTimeoutMs)
    const metadata = { key_id: id, key_name: name, request_id: c.get('requestId') }
    const call = { slug: c.get('model').slug, inputs, gateway: { ...config.gateway, metadata }, stream }
    const upstream = callUpstream(c.env.AI, call, lifeline)
    const answer = stream
      ? answerStream(c, { upstream, lifeline, format, meter })
      : answerWhole(c, upstream, lifeline)
    // Without this the runtime drops a request whose client resets, and with it the settling and the log line.
    c.executionCtx.waitUntil(answer.catch(() => undefined))
    return answer
  }
}

/** The answer's headers leave when the upstream has accepted, or with the first comment; what then fails is an event. */
async function answerStream(
  c: Context<Gateway>,
  call: Pick<Relay, 'upstream' | 'lifeline' | 'format' | 'meter'>,
): Promise<Response> {
  const { upstream, lifeline, meter } = call
  const { keepAliveMs, idleMs } = c.get('config')
  const early = await within(upstream, keepAliveMs)
  if (early !== SILENT && !early.accepted) return giveUp(c, early, lifeline)
  const { readable, writable } = new IdentityTransformStream()
  if (early !== SILENT) tellGateway(c, early.response)
  const finish = async (): Promise<StreamEnd> => {
    const end = await relay({ ...call, writable, keepAliveMs, idleMs, isLate: early === SILENT })
    c.get('log').outcome = end.outcome
    if (end.outcome === 'upstream_failed') Object.assign(c.get('log'), end.diagnosis)
    return end
  }
  const ended = finish()
  c.set('ended', ended)
  c.executionCtx.waitUntil(ended.then((end) => settleStream(c, upstream, end, meter)))
  // The upstream's headers stay inside: they name its cookies, organisation, limits and request ids.
  return new Response(readable, { headers: STREAM_HEADERS })
}

/**
 * An answer that is no stream goes out when all of it is here: one that breaks off is then an honest 502 and not half a
 * JSON object after a 200, and its usage is known without a second look.
 */
async function answerWhole(
  c: Context<Gateway>,
  upstream: Promise<UpstreamResult>,
  lifeline: Lifeline,
): Promise<Response> {
  const result = await upstream
  if (!result.accepted) return giveUp(c, result, lifeline)
  const body = await lifeline.guard(result.response.arrayBuffer()).catch(failureOfError)
  if (!(body instanceof ArrayBuffer)) return giveUp(c, body, lifeline)
  const usage = usageOf(body)
  // It says that it is JSON, and is not: no SDK could make anything of it but an error of its own.
  if (usage === undefined) return giveUp(c, failureOfNothing('garbage'), lifeline)
  lifeline.release()
  tellGateway(c, result.response)
  c.get('settle')({ usage, failed: false })
  return new Response(body, { headers: JSON_HEADERS })
}

function giveUp(c: Context<Gateway>, outcome: FailureOutcome, lifeline: Lifeline): never {
  const isGone = lifeline.cutReason === 'client_closed'
  c.get('settle')({ usage: null, failed: !isGone, seenTokens: isGone ? 0 : undefined })
  lifeline.release()
  if (isGone) throw new GatewayError({ kind: 'client_closed' })
  const { failure, diagnosis } = lifeline.cutReason === 'timeout' ? timeoutOutcome() : outcome
  if (diagnosis.alert !== undefined) c.get('log').alert = diagnosis.alert
  throw new GatewayError(failure, diagnosis.reason)
}

/** The two of the upstream's headers that are for the caller to know: which entry of AI Gateway's log, and from its cache or not. */
function tellGateway(c: Context<Gateway>, { headers }: Response): void {
  const [logId, cacheStatus] = [headers.get('cf-aig-log-id'), headers.get('cf-aig-cache-status')]
  if (logId !== null) c.get('answerHeaders')['x-gateway-log-id'] = logId
  if (cacheStatus !== null) c.get('answerHeaders')['cf-aig-cache-status'] = cacheStatus
}

function isMetered(meterStreams: Config['meterStreams'], needsUsage: boolean): boolean {
  return meterStreams === 'always' || (meterStreams === 'when-limited' && needsUsage)
}

/** `undefined` where the body is no JSON. */
function usageOf(body: ArrayBuffer): Usage | null | undefined {
  if (body.byteLength > ANSWER_BYTES_READ_MAX) return null
  try {
    return parseUsage(field(JSON.parse(utf8.decode(body)), 'usage'))
  } catch {
    return undefined
  }
}
