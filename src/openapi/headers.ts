/** The headers of answers. */
import type { JsonSchema } from './json-schema.ts'

export interface Header {
  description: string
  required?: true
  schema: JsonSchema
}

const text: JsonSchema = { type: 'string' }
const count: JsonSchema = { type: 'integer', minimum: 0 }
const usd: JsonSchema = { type: 'number', minimum: 0 }
/** OpenAI's format of a duration. */
const duration: JsonSchema = {
  type: 'string',
  pattern: String.raw`^(\d+ms|\d+(\.\d+)?s|(\d+h)?\d+m\d+s)$`,
  examples: ['12ms', '1.5s', '6m0s'],
}

export const HEADERS = {
  'x-request-id': {
    description: 'The id of the request. It stands in the gateway’s log, and has the id of the key in it.',
    required: true,
    schema: { type: 'string', pattern: '^req_[0-9A-Za-z]{32}$' },
  },
  'x-content-type-options': {
    description: 'A browser must not guess another content type.',
    required: true,
    schema: { const: 'nosniff' },
  },
  'cache-control': { description: 'No cache may keep or change the answer.', schema: text },
  'content-disposition': { description: 'The name of the file.', schema: text },
  'content-encoding': {
    description: 'A stream is not compressed, since that would hold chunks back.',
    schema: { const: 'identity' },
  },
  'x-accel-buffering': { description: 'A proxy must not buffer a stream.', schema: { const: 'no' } },
  'access-control-allow-origin': {
    description: 'The origin of the page, if the operator allows it (`CORS_ORIGINS`).',
    schema: text,
  },
  'access-control-expose-headers': {
    description: 'Headers that a page of an allowed origin can read.',
    schema: text,
  },
  vary: { description: 'With CORS the answer depends on the origin.', schema: text },
  'x-ratelimit-limit-requests': {
    description:
      'Requests a minute, or a day where only a day has a limit or the day’s limit has refused. For a key in a group, all of these headers show the limit with less left.',
    schema: count,
  },
  'x-ratelimit-remaining-requests': { description: 'Requests that are left.', schema: count },
  'x-ratelimit-reset-requests': {
    description: 'The time until all requests are free again.',
    schema: duration,
  },
  'x-ratelimit-limit-tokens': { description: 'Tokens a minute, prompt and completion.', schema: count },
  'x-ratelimit-remaining-tokens': { description: 'Tokens that are left.', schema: count },
  'x-ratelimit-reset-tokens': { description: 'The time until all tokens are free again.', schema: duration },
  'x-gateway-limit-concurrent-requests': { description: 'Requests at one time.', schema: count },
  'x-gateway-remaining-concurrent-requests': {
    description: 'Requests that can run beside those under way.',
    schema: count,
  },
  'x-gateway-limit-budget-usd': { description: 'The budget of the period, in dollars.', schema: usd },
  'x-gateway-remaining-budget-usd': {
    description: 'Dollars that are left, without the worst cases of requests under way.',
    schema: usd,
  },
  'x-gateway-dropped-parameters': {
    description: 'Parameters that the gateway has removed from the request, separated by commas.',
    schema: text,
  },
  'x-gateway-completion-tokens-max': {
    description: 'The key’s cap, to which the gateway has lowered the completion tokens of one choice.',
    schema: { type: 'integer', minimum: 1 },
  },
  'x-gateway-log-id': { description: 'The entry in AI Gateway’s log.', schema: text },
  'cf-aig-cache-status': {
    description: 'Whether AI Gateway’s cache has answered. Such an answer costs nothing.',
    schema: text,
  },
  'x-gateway-model-requested': {
    description: 'The model of the request, where another model has answered.',
    schema: text,
  },
  'x-gateway-fallback': {
    description: 'The number of the fallback that has answered, and the reason.',
    schema: text,
  },
  'www-authenticate': { description: 'The scheme of a credential.', schema: { const: 'Bearer' } },
  allow: { description: 'The methods that the path has.', schema: text },
  'retry-after': {
    description: 'Seconds until a retry can succeed.',
    schema: { type: 'integer', minimum: 0, maximum: 60 },
  },
  'retry-after-ms': {
    description: 'The same in milliseconds.',
    schema: { type: 'integer', minimum: 0, maximum: 60_000 },
  },
  'x-should-retry': {
    description: '`false` keeps the official SDKs from a retry that cannot succeed.',
    schema: { const: 'false' },
  },
} as const satisfies Record<string, Header>

export type HeaderName = keyof typeof HEADERS

/** Headers of every answer. */
export const ALWAYS: readonly HeaderName[] = ['x-request-id', 'x-content-type-options']

/** Headers of every answer of the API to a page of another origin. */
export const CORS: readonly HeaderName[] = [
  'access-control-allow-origin',
  'access-control-expose-headers',
  'vary',
]

/** Headers of a request that was counted, one for each limit that is set. */
export const LIMITS: readonly HeaderName[] = [
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
  'x-ratelimit-limit-tokens',
  'x-ratelimit-remaining-tokens',
  'x-ratelimit-reset-tokens',
  'x-gateway-limit-concurrent-requests',
  'x-gateway-remaining-concurrent-requests',
  'x-gateway-limit-budget-usd',
  'x-gateway-remaining-budget-usd',
]

/** What was changed of a request before the model got it. */
export const CHANGES: readonly HeaderName[] = [
  'x-gateway-dropped-parameters',
  'x-gateway-completion-tokens-max',
]

/** What answered a request. */
export const SERVED: readonly HeaderName[] = [
  'x-gateway-log-id',
  'cf-aig-cache-status',
  'x-gateway-model-requested',
  'x-gateway-fallback',
]

export function isHeaderName(name: string): name is HeaderName {
  return Object.hasOwn(HEADERS, name)
}
