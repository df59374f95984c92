/**
 * A local HTTP server stands in for the upstream, and implements the protocol between the runtime's own `Ai` class and
 * Cloudflare. A test selects a call's answer by its tag. The tag is the field `user` of the inputs, which belongs to OpenAI's
 * schema and therefore passes the gateway unchanged.
 *
 * Source of the protocol: `src/cloudflare/internal/ai-api.ts` and `aig-api.ts` in cloudflare/workerd.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, headerOf, writeAnswer } from './upstream-answer.ts'
import { GatewayLogs } from './upstream-logs.ts'

/** The paths that the class posts to, with and without an AI Gateway. */
const RUN_PATHS = new Set(['/ai-gateway/run?version=3', '/run?version=3'])
/** The runtime closes an idle connection after 5 s. A server that closed it in the same moment would reset a call. */
const KEEP_ALIVE_MS = 60_000
/** Older calls are dropped, because a benchmark makes more calls than memory should hold. */
const CALLS_KEPT_MAX = 10_000

export interface UpstreamCall {
  /** The path with its query. */
  path: string
  headers: IncomingHttpHeaders
  /** The raw body. */
  text: string
  /** From the header `cf-consn-model-id`. */
  slug: string | null
  inputs: Record<string, unknown>
  options: Record<string, unknown>
  /** The field `inputs.user`, or an empty string. */
  tag: string
  /** The bytes of the answer's body written so far. */
  bytesWritten: number
  /** Settles when the answer ends, or when the connection of a hanging answer ends. */
  ended: Promise<CallEnd>
}

export interface CallEnd {
  /** `caller` if the caller disconnected before the end of the answer. */
  by: 'upstream' | 'caller'
  bytesWritten: number
  /** A time of `performance.now()`. */
  atMs: number
}

export type Script = Answer | ((call: UpstreamCall) => Answer)

export interface UpstreamServer {
  port: number
  /** The last calls, oldest first. */
  calls: readonly UpstreamCall[]
  /** Answers every later call with this tag by `script`. */
  script(tag: string, script: Script): void
  /** Waits for the first call with this tag. */
  call(tag: string): Promise<UpstreamCall>
  logs: GatewayLogs
  stop(): Promise<void>
}

/** `otherwise` answers a call whose tag has no script. By default that is a 500 outside the failure table. */
export async function startUpstreamServer(otherwise: Script = NO_SCRIPT): Promise<UpstreamServer> {
  const calls: UpstreamCall[] = []
  const scripts = new Map<string, Script>()
  const waiting = new Map<string, ((call: UpstreamCall) => void)[]>()
  const logs = new GatewayLogs()

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await logs.answer(request, response)) return
    if (request.method !== 'POST' || !RUN_PATHS.has(request.url ?? '')) {
      response.writeHead(404).end()
      return
    }
    const { call, wrote, settle } = recordCall(request, await textOf(request))
    response.once('close', () => settle(response.writableFinished ? 'upstream' : 'caller'))
    calls.push(call)
    if (calls.length > CALLS_KEPT_MAX) calls.shift()
    for (const resolve of waiting.get(call.tag) ?? []) resolve(call)
    waiting.delete(call.tag)
    const script = scripts.get(call.tag) ?? otherwise
    const answer = typeof script === 'function' ? script(call) : script
    const breaks = 'instead' in answer ? answer.instead : answer.ending
    await writeAnswer(response, answer, wrote)
    if (breaks === 'cut' || breaks === 'reset') settle('upstream')
  }

  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => {
      handle(request, response).catch((error: unknown) => response.destroy(asError(error)))
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    calls,
    logs,
    script: (tag, script) => void scripts.set(tag, script),
    call(tag) {
      const found = calls.find((call) => call.tag === tag)
      if (found !== undefined) return Promise.resolve(found)
      return new Promise((resolve) => waiting.set(tag, [...(waiting.get(tag) ?? []), resolve]))
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

const NO_SCRIPT: Answer = { status: 500, headers: { 'content-type': 'text/plain' }, body: 'no script' }

function recordCall(request: IncomingMessage, text: string) {
  const { inputs, options } = JSON.parse(text) as Pick<UpstreamCall, 'inputs' | 'options'>
  const { promise: ended, resolve } = Promise.withResolvers<CallEnd>()
  const call: UpstreamCall = {
    path: request.url ?? '',
    headers: request.headers,
    text,
    slug: headerOf(request.headers, 'cf-consn-model-id'),
    inputs,
    options,
    tag: typeof inputs['user'] === 'string' ? inputs['user'] : '',
    bytesWritten: 0,
    ended,
  }
  const wrote = (bytes: number): void => {
    call.bytesWritten += bytes
  }
  // Only the first call counts, because a connection reset by the upstream closes too.
  const settle = (by: CallEnd['by']): void =>
    resolve({ by, bytesWritten: call.bytesWritten, atMs: performance.now() })
  return { call, wrote, settle }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
