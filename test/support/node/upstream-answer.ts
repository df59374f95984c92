/** The local upstream's answers to one call: status, headers and bytes, and every way to fail. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export type Bytes = string | Uint8Array

export type Answer = HttpAnswer | NoAnswer

export interface HttpAnswer {
  /** Default 200. */
  status?: number
  headers?: OutgoingHttpHeaders
  /** Delays the headers until it settles. */
  headersAfter?: Promise<unknown>
  /** The body, whole or in separately written pieces. An async iterable may wait between pieces. */
  body?: Bytes | Iterable<Bytes> | AsyncIterable<Bytes>
  /**
   * The end of the answer after its body. `end` (default) is orderly, `cut` closes the connection first, `reset` sends an
   * RST, and `hang` sends nothing more.
   */
  ending?: 'end' | 'cut' | 'reset' | 'hang'
}

/** Sends no byte: the connection is reset, closed, or left open. */
export interface NoAnswer {
  instead: 'reset' | 'cut' | 'hang'
}

/** Headers of a real answer that no caller may see: cookies, ids and limits of the gateway's account. */
export const UPSTREAM_HEADERS: OutgoingHttpHeaders = {
  'set-cookie': ['__cf_bm=cookie-of-the-upstream; path=/; HttpOnly', '_cfuvid=another; path=/'],
  'openai-organization': 'org-ofTheOperator',
  'openai-processing-ms': '1234',
  'openai-project': 'proj_ofTheOperator',
  'openai-version': '2020-10-01',
  'x-ratelimit-limit-requests': '30000',
  'x-ratelimit-remaining-requests': '29999',
  'x-ratelimit-reset-tokens': '2ms',
  'x-request-id': 'req_of_the_upstream',
  'cf-ray': '9f2b8e0d4c3a1b2c-FRA',
  'cf-ai-req-id': 'ai-request-of-the-upstream',
  'cf-aig-log-id': '01JLOGIDOFTHEUPSTREAM00000',
  'cf-aig-cache-status': 'MISS',
  'alt-svc': 'h3=":443"; ma=86400',
  server: 'cloudflare',
}

export function jsonAnswer(body: Bytes, status = 200, headers: OutgoingHttpHeaders = {}): HttpAnswer {
  return { status, headers: { ...UPSTREAM_HEADERS, 'content-type': 'application/json', ...headers }, body }
}

export function streamAnswer(body: HttpAnswer['body'], ending: HttpAnswer['ending'] = 'end'): HttpAnswer {
  const headers = { ...UPSTREAM_HEADERS, 'content-type': 'text/event-stream; charset=utf-8' }
  return { headers, ending, ...(body === undefined ? {} : { body }) }
}

/** The upstream's failures in each of their shapes. */
export const failure = {
  /** `{"errors":[{"code","message"}]}` */
  cloudflareErrors: (status: number, code: number, message: string, headers: OutgoingHttpHeaders = {}) =>
    jsonAnswer(
      JSON.stringify({ errors: [{ code, message }], success: false, result: {}, messages: [] }),
      status,
      headers,
    ),
  /** `{"internalCode","name","description"}` */
  cloudflareInternal: (
    status: number,
    internalCode: number,
    description: string,
    headers: OutgoingHttpHeaders = {},
  ) =>
    jsonAnswer(
      JSON.stringify({ internalCode, name: 'InferenceUpstreamError', message: 'internal', description }),
      status,
      headers,
    ),
  /** `{"error":[{"code","message"}]}`, which AI Gateway sends when it does not reach a model. */
  aiGateway: (status: number, code: number, message: string) =>
    jsonAnswer(
      JSON.stringify({ success: false, result: [], messages: [], error: [{ code, message }] }),
      status,
    ),
  /** The vendor's own envelope. */
  vendor: (status: number, error: Record<string, unknown>, headers: OutgoingHttpHeaders = {}) =>
    jsonAnswer(JSON.stringify({ error }), status, headers),
  text: (
    status: number,
    text: string,
    contentType = 'text/plain',
    headers: OutgoingHttpHeaders = {},
  ): HttpAnswer => ({
    status,
    headers: { ...UPSTREAM_HEADERS, 'content-type': contentType, ...headers },
    body: text,
  }),
}

/** Cuts `bytes` into pieces of `pieceBytes`, even inside a character or a line end. */
export function* pieces(bytes: Uint8Array, pieceBytes: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

/** Yields each piece after a pause. `firstPauseMs` (default `pauseMs`) delays the first piece. */
export async function* paced(
  parts: Iterable<Bytes>,
  pauseMs: number,
  firstPauseMs = pauseMs,
): AsyncGenerator<Bytes> {
  let waitMs = firstPauseMs
  for (const part of parts) {
    await sleep(waitMs)
    yield part
    waitMs = pauseMs
  }
}

/**
 * Writes an answer. Resolves when its last byte is written or the client has disconnected. The connection may then still be
 * open (`hang`). `wrote` counts the bytes of the body.
 */
export async function writeAnswer(
  response: ServerResponse,
  answer: Answer,
  wrote: (bytes: number) => void,
): Promise<void> {
  if ('instead' in answer) return endConnection(response, answer.instead)
  const { status = 200, headers = {}, headersAfter, body = '', ending = 'end' } = answer
  await headersAfter
  if (response.destroyed) return
  if (isBytes(body) && ending === 'end') {
    wrote(Buffer.byteLength(body))
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body)
    return
  }
  response.writeHead(status, headers)
  response.flushHeaders()
  for await (const piece of isBytes(body) ? [body] : body) {
    if (response.destroyed) return
    wrote(Buffer.byteLength(piece))
    if (!response.write(piece)) await drained(response)
  }
  if (ending === 'end') response.end()
  else await endConnection(response, ending)
}

async function endConnection(response: ServerResponse, how: 'cut' | 'reset' | 'hang'): Promise<void> {
  if (how === 'hang') return
  const { socket } = response
  if (socket === null) return
  // The written bytes must be flushed first, because destroying the socket drops this process's buffers.
  await new Promise((resolve) => socket.write('', resolve))
  if (how === 'reset') socket.resetAndDestroy()
  else socket.end(() => socket.destroy())
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

function isBytes(body: NonNullable<HttpAnswer['body']>): body is Bytes {
  return typeof body === 'string' || body instanceof Uint8Array
}

/** Returns a header as one string, even if it was sent several times. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : (value ?? null)
}
