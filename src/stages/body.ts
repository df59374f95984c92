/** Refuses a body before anything parses it: too large, compressed, or not declared as JSON. */
import type { Context, MiddlewareHandler } from 'hono'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'

/** Bytes that are read and dropped of a chunked body that is too large, so that its sender sees the answer. */
export const DRAIN_BYTES_MAX = 16 * 1024 * 1024

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/**
 * Refuses a body above the configured size with 413. A body with a `content-length` is judged by that, unread. A chunked body
 * is read here and kept; where it is cut, that is a 400. Hono's `bodyLimit` stops reading in the middle of the chunks, and
 * the connection then breaks the next request that a proxy such as `wrangler dev` sends over it.
 */
export function limitBody(): MiddlewareHandler<Gateway> {
  return async function limitBody(c, next) {
    const { bodyBytesMax } = c.get('config')
    const { body, headers } = c.req.raw
    const length = headers.get('content-length')
    if (body !== null && length === null) {
      const bytes = await readWhole(body, bodyBytesMax)
      if (bytes === null) throw new GatewayError({ kind: 'body_too_large', bodyBytesMax })
      // Hono looks here for a body before it asks the request. A new `Request` could have none where the method is GET.
      Object.assign(c.req.bodyCache, { arrayBuffer: Promise.resolve(bytes) })
    } else if (Number(length) > bodyBytesMax) {
      throw new GatewayError({ kind: 'body_too_large', bodyBytesMax })
    }
    return next()
  }
}

/** The bytes of a body, or `null` where there are more than `bytesMax`. It never holds more than that. */
async function readWhole(body: ReadableStream<Uint8Array>, bytesMax: number): Promise<ArrayBuffer | null> {
  let chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of body) {
      bytes += chunk.byteLength
      if (bytes <= bytesMax) chunks.push(chunk)
      else chunks = []
      if (bytes > bytesMax + DRAIN_BYTES_MAX) break
    }
  } catch {
    throw new GatewayError({ kind: 'invalid_json', empty: false }, 'body_broken')
  }
  return bytes > bytesMax ? null : new Blob(chunks).arrayBuffer()
}

/**
 * Lets only plain JSON pass. It must stand before `zValidator('json')`, which takes any other content type for `{}` and would
 * blame the caller for a missing parameter. With `unlessEmpty` (default false) a request without a body passes, and counts as
 * `{}`. The body must be UTF-8, as for OpenAI: otherwise a prompt in another character set would reach the model with its
 * letters replaced, without an error.
 */
export function requireJson({ unlessEmpty = false } = {}): MiddlewareHandler<Gateway> {
  return async function requireJson(c, next) {
    if (unlessEmpty && c.req.raw.body === null) return next()
    const encoding = c.req.header('content-encoding')
    if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
      throw new GatewayError({ kind: 'unsupported_content_encoding', encoding })
    }
    const contentType = c.req.header('content-type') ?? null
    if (contentType === null || !JSON_MEDIA_TYPE.test(contentType)) {
      throw new GatewayError({ kind: 'unsupported_content_type', contentType })
    }
    Object.assign(c.req.bodyCache, { text: c.req.arrayBuffer().then(decodeUtf8) })
    return next()
  }
}

/**
 * Frees the body's bytes and its text, once its values are in use. Hono would keep both beside the parsed object for the
 * minutes that the model may think.
 */
export function forgetBody(c: Context<Gateway>): void {
  c.req.bodyCache = {}
}

/** The media types that Hono's validator parses as JSON. */
const JSON_MEDIA_TYPE = /^\s*application\/([\w.-]+\+)?json\s*(;|$)/i

/** @throws TypeError where the bytes are no UTF-8. The validator takes that for broken JSON. */
function decodeUtf8(bytes: ArrayBuffer): string {
  return utf8.decode(bytes)
}
