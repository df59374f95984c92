/** Lets pages of other origins call the API, if the operator lists these origins in `CORS_ORIGINS`. */
import type { MiddlewareHandler } from 'hono'
import type { Gateway } from '../context.ts'

/** Headers that a page may read of an answer. */
const EXPOSED_HEADERS = [
  'x-request-id',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'x-gateway-log-id',
  'x-gateway-dropped-parameters',
  'x-gateway-completion-tokens-max',
  'x-gateway-model-requested',
  'x-gateway-fallback',
  ...['limit', 'remaining'].flatMap((what) => [
    `x-gateway-${what}-concurrent-requests`,
    `x-gateway-${what}-budget-usd`,
  ]),
  ...['limit', 'remaining', 'reset'].flatMap((what) => [
    `x-ratelimit-${what}-requests`,
    `x-ratelimit-${what}-tokens`,
  ]),
]

/** How long a browser may keep the answer to a preflight. Chromium takes no more than two hours. */
const PREFLIGHT_SECONDS = 7200

/** Answers a preflight before the other stages, since it carries no key. It allows all headers that the page asks for. */
export function cors(): MiddlewareHandler<Gateway> {
  return async function cors(c, next) {
    const { corsOrigins } = c.get('config')
    if (corsOrigins.length === 0) return next()
    const origin = c.req.header('origin')
    const isAllowed = origin !== undefined && (corsOrigins.includes('*') || corsOrigins.includes(origin))
    Object.assign(c.get('responseHeaders'), {
      vary: 'Origin, Access-Control-Request-Headers',
      'access-control-expose-headers': EXPOSED_HEADERS.join(),
      ...(isAllowed && { 'access-control-allow-origin': origin }),
    })
    if (c.req.method !== 'OPTIONS') return next()
    return c.body(null, 204, {
      'access-control-allow-methods': 'GET,POST,OPTIONS',
      'access-control-allow-headers': c.req.header('access-control-request-headers') ?? '',
      'access-control-max-age': `${PREFLIGHT_SECONDS}`,
    })
  }
}
