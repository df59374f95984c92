/** Lets pages of other origins call the API, if the operator lists these origins in `CORS_ORIGINS`. */
import type { MiddlewareHandler } from 'hono'
import { cors as honoCors } from 'hono/cors'
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

/** Answers a preflight before the other stages, since it carries no key. It allows all headers that the page asks for. */
export function cors(): MiddlewareHandler<Gateway> {
  const allow = honoCors({
    origin: (origin, c) => (isAllowed(c.get('config').corsOrigins, origin) ? origin : null),
    allowMethods: ['GET', 'POST', 'OPTIONS'],
    exposeHeaders: EXPOSED_HEADERS,
    // Chromium takes no more than two hours.
    maxAge: 7200,
  })
  return function cors(c, next) {
    return c.get('config').corsOrigins.length === 0 ? next() : allow(c, next)
  }
}

function isAllowed(origins: readonly string[], origin: string): boolean {
  return origins.includes('*') || origins.includes(origin)
}
