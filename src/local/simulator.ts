/** The offline stand-in for the AI binding: a script, a local model or the simulator itself answers the call. */

import { WorkerEntrypoint } from 'cloudflare:workers'
import { cloudflareHeaders, vendorHeaders } from './answer-headers.ts'
import type { Refusal } from './model/parsed-request.ts'
import type { Thrown } from './binding.ts'
import type { Envelope } from './model/envelope.ts'
import { deliver, pause, type EarlyEnd, type Part } from './delivery.ts'
import { apiFormatOf } from './api-format.ts'
import {
  lastCalls,
  lastCancellations,
  recordCall,
  recordCancellation,
  type Call,
  type Cancellation,
} from './call-log.ts'
import { failureResponse, refusalResponse } from './failures.ts'
import { forward, localUpstream, type LocalEnv } from './forward.ts'
import { findLog, GatewayLogs, recordLog, type LogEntry } from './gateway-logs.ts'
import { replyTo } from './model/reply.ts'
import { DELAY_MS_MAX, parseScript, type Script } from './script.ts'
import { seededRandom, type Random } from './model/seeded-random.ts'

export type { Call, Cancellation, LocalEnv }

/** A JSON answer that is cut, ends early or hangs goes out in pieces of this size; each counts as a chunk. */
export const JSON_CHUNK_CHARACTERS = 64

/** The longest time that a caller's request lasts after an abort: the runtime ends `waitUntil` after 30 s. */
export const ABORTED_CALL_OPEN_MS = 35_000

/** What the gateway gives to `env.AI.run`. The rest of the binding's options is taken and not used. */
export interface RunOptions {
  readonly returnRawResponse?: boolean
  readonly gateway?: { readonly id?: string; readonly [option: string]: unknown }
  readonly signal?: AbortSignal | null
  readonly extraHeaders?: Record<string, string>
  readonly [option: string]: unknown
}

export class Simulator extends WorkerEntrypoint<LocalEnv> {
  /**
   * Answers like the binding in raw mode: resolves with the headers, before a stream's body. The body field `simulate`
   * scripts it. Rejects where the script says so, when the signal aborts, and for calls that the gateway must not make:
   * parsed mode, or no gateway id.
   */
  async run(
    model: string,
    inputs: Record<string, unknown>,
    options: RunOptions,
  ): Promise<Response | undefined> {
    requireRawMode(options)
    const { signal: remoteSignal, ...otherOptions } = options
    const signal = remoteSignal ? localSignal(remoteSignal) : null
    const { simulate, ...request } = inputs
    const json = JSON.stringify(inputs)
    const random = seededRandom(`${model} ${json}`)
    const format = apiFormatOf(request)
    const envelope = format.envelope(model, random)
    const script = parseScript(simulate)
    const tag = 'refused' in script ? null : (script.tag ?? null)
    recordCall({ id: envelope.id, tag, model, inputs, options: otherOptions }, json.length)
    if ('refused' in script) return refusalResponse(script, vendorHeaders(0))

    const onLeft = (chunksSent: number) =>
      recordCancellation({ id: envelope.id, tag, at: chunksSent === 0 ? 'waiting' : 'streaming', chunksSent })
    const untilLeft = <T>(waiting: Promise<T>) =>
      waiting.catch((reason: unknown) => {
        if (signal?.aborted) onLeft(0)
        throw reason
      })

    const upstream = simulate === undefined ? localUpstream(this.env) : null
    if (upstream) return untilLeft(forward(upstream, format.path, model, request, signal))
    await untilLeft(pause(script.hang === 'headers' ? DELAY_MS_MAX : script.firstByteDelayMs, signal))
    if (script.throw !== undefined || script.hang === 'headers')
      throw new Error(script.throw ?? 'simulated hang')
    if (script.undefined) return undefined
    if (script.error) return failureResponse(script.error, failureHeaders(script))
    const answer = answerOf(request, script, envelope, random)
    if ('refused' in answer) return refusalResponse(answer, vendorHeaders(0))
    // A JSON answer is known only when it is thought out: its headers wait too.
    if (!answer.isStream) await untilLeft(pause(script.thinkMs, signal))
    const { body, done } = deliver(
      answer.parts,
      {
        thinkMs: answer.isStream ? script.thinkMs : 0,
        chunkDelayMs: script.chunkDelayMs,
        chunkBytes: script.chunkBytes ?? null,
        earlyEnd: earlyEndOf(script),
        signal,
      },
      onLeft,
    )
    this.ctx.waitUntil(done)
    const headers = vendorHeaders(script.firstByteDelayMs + script.thinkMs)
    headers.set('content-type', answer.isStream ? 'text/event-stream; charset=utf-8' : 'application/json')
    withScripted(headers, script)
    // `usage: null` scripts an upstream that tells nobody, its log neither.
    if (script.usage !== null) recordLog(headers.get('cf-aig-log-id') ?? '', answer.tokens)
    return new Response(body, { headers })
  }

  /** Like `run()`, but resolves with the error instead of rejecting. */
  async runSafely(
    model: string,
    inputs: Record<string, unknown>,
    options: RunOptions,
  ): Promise<Response | Thrown | undefined> {
    try {
      return await this.run(model, inputs, options)
    } catch (error) {
      return { thrown: error instanceof Error ? error.message : String(error) }
    }
  }

  /** The logs of any AI Gateway. Offline, every gateway has the same log. */
  gateway(_id: string): GatewayLogs {
    return new GatewayLogs()
  }

  /** Like `gateway(id).getLog()`, but without a stub, and null for an unknown id. */
  async findLog(id: string): Promise<LogEntry | null> {
    return findLog(id)
  }

  /** The last calls, oldest first: what reached the upstream. */
  async calls(): Promise<Call[]> {
    return lastCalls()
  }

  /** The last clients that left before their answer was over, oldest first. */
  async cancellations(): Promise<Cancellation[]> {
    return lastCancellations()
  }
}

/**
 * A signal that came over RPC fires no event until it is combined.
 *
 * The caller holds the signal until its own request is over, and so keeps this call open after an abort. The runtime reports
 * an open call without pending work as hung, so a timer is kept pending.
 */
function localSignal(remoteSignal: AbortSignal): AbortSignal {
  const signal = AbortSignal.any([remoteSignal])
  signal.addEventListener('abort', () => void setTimeout(() => undefined, ABORTED_CALL_OPEN_MS))
  return signal
}

interface Answer {
  readonly isStream: boolean
  readonly parts: Iterable<Part>
  /** As AI Gateway's log has them. */
  readonly tokens: LogEntry
}

function answerOf(
  request: Record<string, unknown>,
  script: Script,
  envelope: Envelope,
  random: Random,
): Answer | Refusal {
  const format = apiFormatOf(request)
  const parsed = format.read(request)
  if ('refused' in parsed) return parsed
  const reply = replyTo(parsed, random, script.chunks)
  const tokens = format.tokens(reply.tokens, script.usage ?? {})
  const material = { envelope, reply, request, usage: script.usage, random }
  return request['stream'] === true
    ? { isStream: true, tokens, parts: format.events(material) }
    : { isStream: false, tokens, parts: jsonParts(JSON.stringify(format.whole(material)), script) }
}

function* jsonParts(json: string, script: Script): Generator<Part> {
  const characters = earlyEndOf(script) ? JSON_CHUNK_CHARACTERS : json.length
  for (let from = 0; from < json.length; from += characters) {
    yield { text: json.slice(from, from + characters), isChunk: true, isPaced: false }
  }
}

function earlyEndOf({ cut, end, hang }: Script): EarlyEnd | null {
  if (cut !== undefined) return { how: 'cut', afterChunks: cut }
  if (end !== undefined) return { how: 'end', afterChunks: end }
  if (hang === true || typeof hang === 'number') return { how: 'hang', afterChunks: hang === true ? 0 : hang }
  return null
}

/** The vendor's own errors come with the vendor's headers, Cloudflare's without. */
function failureHeaders(script: Script): Headers {
  return withScripted(script.error?.shape === 'openai' ? vendorHeaders(0) : cloudflareHeaders(), script)
}

function withScripted(headers: Headers, { headers: scripted = {} }: Script): Headers {
  for (const [name, value] of Object.entries(scripted)) headers.set(name, value)
  return headers
}

/** Mixing raw and parsed calls swaps their results in the real binding, so offline a parsed one fails at once. */
function requireRawMode({ returnRawResponse, gateway }: RunOptions): void {
  if (returnRawResponse !== true) throw new TypeError('simulator: call run() with returnRawResponse: true')
  if (!gateway?.id) throw new TypeError('simulator: a third-party model needs gateway.id')
}
