/** Stands in for the AI binding offline. A script, a local server or the simulated model decides the answer. */

import { WorkerEntrypoint } from 'cloudflare:workers'
import { answerOf, earlyEndOf } from './answer.ts'
import { cloudflareHeaders, vendorHeaders } from './answer-headers.ts'
import { apiFormatOf } from './api-format.ts'
import type { RunOptions, Thrown } from './binding.ts'
import {
  lastCalls,
  lastCancellations,
  recordCall,
  recordCancellation,
  type Call,
  type Cancellation,
} from './call-log.ts'
import { deliver, pause } from './delivery.ts'
import { failureResponse, refusalResponse } from './failures.ts'
import { forward, localUpstream, type LocalEnv } from './forward.ts'
import { findLog, GatewayLogs, recordLog, type FoundLog, type LoggedTokens } from './gateway-logs.ts'
import { modelRefusal } from './model-refusal.ts'
import { seededRandom } from './model/seeded-random.ts'
import { DELAY_MS_MAX, parseScript, type Script } from './script.ts'

export type { Call, Cancellation, LocalEnv, RunOptions }

/** A caller's request can last this long after an abort: the runtime gives `waitUntil` 30 s. */
export const ABORTED_CALL_OPEN_MS = 35_000

export class Simulator extends WorkerEntrypoint<LocalEnv> {
  /**
   * Answers like the binding in raw mode: resolves with the headers, before a stream's body. The body field `simulate`
   * is the script. It rejects if the script says so, and when the signal aborts. It also rejects calls that the
   * gateway must not make: in parsed mode, or without a gateway id.
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
    const script = parseScript(simulate, model)
    const tag = 'refused' in script ? null : (script.tag ?? null)
    recordCall({ id: envelope.id, tag, model, inputs, options: otherOptions }, json.length)
    if ('refused' in script) return refusalResponse(script, vendorHeaders(0))

    const onCancel = (chunksSent: number) =>
      recordCancellation({ id: envelope.id, tag, at: chunksSent === 0 ? 'waiting' : 'streaming', chunksSent })
    const orRecordCancellation = <T>(waiting: Promise<T>) =>
      waiting.catch((reason: unknown) => {
        if (signal?.aborted) onCancel(0)
        throw reason
      })

    const upstream = simulate === undefined ? localUpstream(this.env) : null
    if (upstream) return orRecordCancellation(forward(upstream, format.path, model, request, signal))
    await orRecordCancellation(
      pause(script.hang === 'headers' ? DELAY_MS_MAX : script.firstByteDelayMs, signal),
    )
    if (script.throw !== undefined || script.hang === 'headers')
      throw new Error(script.throw ?? 'simulated hang')
    if (script.undefined) return undefined
    if (script.error) return failureResponse(script.error, failureHeaders(script))
    const answer = modelRefusal(model, request) ?? answerOf(request, script, envelope, random)
    if ('refused' in answer) return refusalResponse(answer, vendorHeaders(0))
    // A JSON answer exists only when the model has finished, so its headers wait too.
    if (!answer.isStream) await orRecordCancellation(pause(script.thinkMs, signal))
    const { body, done } = deliver(
      answer.parts,
      {
        thinkMs: answer.isStream ? script.thinkMs : 0,
        chunkDelayMs: script.chunkDelayMs,
        chunkBytes: script.chunkBytes ?? null,
        earlyEnd: earlyEndOf(script),
        signal,
      },
      onCancel,
    )
    this.ctx.waitUntil(done)
    const headers = vendorHeaders(script.firstByteDelayMs + script.thinkMs)
    headers.set('content-type', answer.isStream ? 'text/event-stream; charset=utf-8' : 'application/json')
    withScripted(headers, script)
    // AI Gateway logs a call also if its client leaves or its body breaks.
    if (options.gateway?.collectLog !== false) logAnswer(headers, answer.loggedTokens, script)
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

  /** Like `gateway(id).getLog()`, but without a stub, and null where that rejects. */
  async findLog(id: string): Promise<FoundLog | null> {
    return findLog(id, Date.now())
  }

  /** The last calls, oldest first. */
  async calls(): Promise<Call[]> {
    return lastCalls()
  }

  /** The last calls that were cancelled before their answer was complete, oldest first. */
  async cancellations(): Promise<Cancellation[]> {
    return lastCancellations()
  }
}

/**
 * A signal that came over RPC fires no event until `any` combines it.
 *
 * The caller holds the signal until its own request ends, so this call stays open after an abort. The runtime reports an
 * open call without pending work as hung. A timer is pending work.
 */
function localSignal(remoteSignal: AbortSignal): AbortSignal {
  const signal = AbortSignal.any([remoteSignal])
  signal.addEventListener('abort', () => void setTimeout(() => undefined, ABORTED_CALL_OPEN_MS))
  return signal
}

/** Only the vendor's own errors have the vendor's headers. */
function failureHeaders(script: Script): Headers {
  return withScripted(script.error?.shape === 'openai' ? vendorHeaders(0) : cloudflareHeaders(), script)
}

function withScripted(headers: Headers, { headers: scripted = {} }: Script): Headers {
  for (const [name, value] of Object.entries(scripted)) headers.set(name, value)
  return headers
}

/** `usage: null` means that AI Gateway's log has no entry either, unless the script has a `log`. */
function logAnswer(headers: Headers, tokens: LoggedTokens, { usage, log }: Script): void {
  if (usage === null && log === undefined) return
  const entry = { ...tokens, cached: headers.get('cf-aig-cache-status') === 'HIT' }
  recordLog(headers.get('cf-aig-log-id') ?? '', entry, log ?? {}, Date.now())
}

/** In the real binding, concurrent raw and parsed calls swap their results. Here a parsed call fails at once. */
function requireRawMode({ returnRawResponse, gateway }: RunOptions): void {
  if (returnRawResponse !== true) throw new TypeError('simulator: call run() with returnRawResponse: true')
  if (!gateway?.id) throw new TypeError('simulator: a third-party model needs gateway.id')
}
