/**
 * The skeleton: the work that the gateway's features demand of the runtime, without the gateway. It hashes the secret and
 * decodes the body as UTF-8. The call is cancelled when the client disconnects or the upstream times out. A JSON answer is
 * parsed to its end; a stream can still carry an error event at its end. It sets headers and writes one log line. It has no
 * framework, schema, limit or ledger. It is a reference and no lower bound, since it does this work in the simplest way.
 */
interface Env {
  AI: { run(model: string, inputs: unknown, options: object): Promise<Response> }
  /** The gateway's var: `always` reads and writes every chunk, otherwise streams are piped natively. */
  METER_STREAMS?: string
}

interface Context {
  waitUntil(promise: Promise<unknown>): void
}

/** A class of the runtime. */
declare class IdentityTransformStream extends TransformStream<Uint8Array, Uint8Array> {}

interface Inputs {
  stream?: boolean
}

const TIMEOUT_MS = 600_000

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

export { Directory, KeyAccount } from './objects.ts'

export default {
  async fetch(request: Request, env: Env, context: Context): Promise<Response> {
    // The id is joined, as in the gateway: a concatenated string would keep `JSON.stringify` from its fast path.
    const requestId = ['req_', crypto.randomUUID()].join('')
    await crypto.subtle.digest(
      'SHA-256',
      new TextEncoder().encode(request.headers.get('authorization') ?? ''),
    )
    const inputs = JSON.parse(utf8.decode(await request.arrayBuffer())) as Inputs
    const controller = new AbortController()
    const { signal } = controller
    request.signal.addEventListener('abort', () => controller.abort())
    const timer = setTimeout(() => controller.abort(), TIMEOUT_MS)
    const gateway = { id: 'default', metadata: { key_id: 'bench', request_id: requestId } }
    const answer = await env.AI.run('openai/o3-mini', inputs, { returnRawResponse: true, gateway, signal })
    clearTimeout(timer)
    if (inputs.stream === true && answer.body !== null) {
      const { readable, writable } = new IdentityTransformStream()
      const relay = env.METER_STREAMS === 'always' ? readAndWrite : pipe
      context.waitUntil(relay(answer.body, writable, signal).then(() => log(requestId)))
      return new Response(readable, { headers: headersOf(requestId, 'text/event-stream; charset=utf-8') })
    }
    const body = await answer.arrayBuffer()
    JSON.parse(utf8.decode(body))
    log(requestId)
    return new Response(body, { headers: headersOf(requestId, 'application/json') })
  },
}

/** Pipes without closing or aborting the client's stream on its own, so that an error event could still be written. */
async function pipe(
  body: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  await body.pipeTo(writable, { preventClose: true, preventAbort: true, signal })
  await writable.close()
}

async function readAndWrite(
  body: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
): Promise<void> {
  const reader = body.getReader()
  const writer = writable.getWriter()
  for (let next = await reader.read(); !next.done; next = await reader.read()) await writer.write(next.value)
  await writer.close()
}

function headersOf(requestId: string, contentType: string): Record<string, string> {
  return {
    'content-type': contentType,
    'x-request-id': requestId,
    'x-content-type-options': 'nosniff',
    'x-ratelimit-limit-requests': '1000000000',
    'x-ratelimit-remaining-requests': '999999999',
    'x-ratelimit-reset-requests': '1ms',
  }
}

function log(requestId: string): void {
  // oxlint-disable-next-line no-console -- the console is how a Worker logs
  console.info(JSON.stringify({ level: 'info', event: 'request', requestId, status: 200 }))
}
