/** Refuses a body before anything reads it: too large, compressed, or not declared as JSON. */
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'

/** Refuses a body above the configured size with 413, whether it has a `content-length` or comes in chunks. */
export function limitBody(): MiddlewareHandler<Gateway> {
  return async function limitBody(c, next) {
    const { bodyBytesMax } = c.get('config')
    const tooLarge = (): never => {
      throw new GatewayError({ kind: 'body_too_large', bodyBytesMax })
    }
    return bodyLimit({ maxSize: bodyBytesMax, onError: tooLarge })(c, next)
  }
}

/**
 * Lets only plain JSON pass. It must stand before `zValidator('json')`, which takes any other content type for `{}`
 * and would blame the caller for a missing parameter. With `unlessEmpty` (default false) a request without a body may
 * pass, and does count as `{}`.
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
    return next()
  }
}

/** The media types that Hono's validator parses as JSON. */
const JSON_MEDIA_TYPE = /^\s*application\/([\w.-]+\+)?json\s*(;|$)/i
