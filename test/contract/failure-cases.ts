/** The failure table: each upstream failure in each of its shapes, with the expected answer to the caller. */
import { type Answer, failure, jsonAnswer, streamAnswer } from '../support/node/upstream-answer.ts'

/** Names of the account, its gateway and its vendor accounts, which no caller may read. */
export const INTERNALS = {
  account: 'a1b2c3d4e5f60718293a4b5c6d7e8f90',
  organization: 'org-AbCdEf123456',
  project: 'proj_AbCdEf123456',
  user: 'user-AbCdEf123456',
  url: 'https://gateway.ai.cloudflare.com/v1/a1b2c3d4e5f60718293a4b5c6d7e8f90/default/openai',
}

export interface Expected {
  status: number
  type: string
  code: string | null
  param?: string | null
  /** Seconds. */
  retryAfter?: string
  shouldRetry?: 'false'
  /** Present when the operator must act. */
  alert?: RegExp
  reason: RegExp
}

export type Row = [name: string, answer: Answer, expected: Expected]

const NOT_FOUND: Expected = {
  status: 404,
  type: 'invalid_request_error',
  code: 'model_not_found',
  param: 'model',
  alert: /MODELS/,
  reason: /^upstream_no_such_model/,
}
const NO_CREDIT: Expected = {
  status: 429,
  type: 'insufficient_quota',
  code: 'insufficient_quota',
  shouldRetry: 'false',
  alert: /credit|limit/,
  reason: /^upstream_no_credit/,
}
const OPERATOR: Expected = {
  status: 500,
  type: 'server_error',
  code: null,
  shouldRetry: 'false',
  alert: /AI Gateway/,
  reason: /^upstream_operator_/,
}
const BUSY: Expected = {
  status: 429,
  type: 'requests',
  code: 'rate_limit_exceeded',
  retryAfter: '5',
  reason: /^upstream_busy/,
}
const TIMEOUT: Expected = { status: 504, type: 'server_error', code: 'timeout', reason: /^upstream_timeout/ }
const TOO_LARGE: Expected = {
  status: 413,
  type: 'invalid_request_error',
  code: 'request_too_large',
  reason: /^upstream_request_too_large/,
}
const BAD_INPUT: Expected = {
  status: 400,
  type: 'invalid_request_error',
  code: null,
  reason: /^upstream_bad_input/,
}
const BROKEN: Expected = {
  status: 502,
  type: 'server_error',
  code: 'upstream_error',
  retryAfter: '1',
  reason: /^upstream_/,
}
const OVERLOADED: Expected = { ...BROKEN, status: 503, code: 'overloaded', reason: /^upstream_overloaded/ }

/** Makes a row for one Cloudflare code in each of Cloudflare's shapes. */
function cloudflare(code: number, status: number, expected: Expected): Row[] {
  const text = `AiError: ${INTERNALS.account} ${INTERNALS.url} failed`
  return [
    [`${code} as a list`, failure.cloudflareErrors(status, code, text), expected],
    [`${code} as an internal code`, failure.cloudflareInternal(status, code, text), expected],
    [`${code} as AI Gateway's list`, failure.aiGateway(status, code, text), expected],
  ]
}

function vendor(status: number, code: string | null, expected: Expected, more: object = {}): Row {
  const { account: _account, url: _url, ...names } = INTERNALS
  const message = `The vendor's message about ${Object.values(names).join(' and ')}.`
  const error = { message, type: 'invalid_request_error', param: null, code, ...more }
  return [`the vendor's ${status} ${code}`, failure.vendor(status, error), expected]
}

function vendorRefusal(status: number, code: string | null, param: string | null = null): Row {
  const expected = { status, type: 'invalid_request_error', code, param, reason: /^upstream_vendor_refusal/ }
  return vendor(status, code, expected, { param })
}

export const ROWS: readonly Row[] = [
  vendorRefusal(400, 'unsupported_parameter', 'temperature'),
  vendorRefusal(400, 'context_length_exceeded', 'messages'),
  vendorRefusal(400, null),
  vendorRefusal(409, 'conflict'),
  vendorRefusal(422, 'unprocessable'),

  ...cloudflare(7003, 404, NOT_FOUND),
  ...cloudflare(3042, 404, NOT_FOUND),
  ...cloudflare(5028, 410, NOT_FOUND),
  ...cloudflare(5007, 400, NOT_FOUND),
  vendor(404, 'model_not_found', NOT_FOUND),

  ...cloudflare(2040, 402, NO_CREDIT),
  ['402 with no body', failure.text(402, ''), NO_CREDIT],
  ['an insufficient balance', failure.cloudflareErrors(400, 2041, 'Insufficient balance'), NO_CREDIT],
  ['a spend limit', failure.cloudflareErrors(429, 2042, 'Spend limit reached for gateway'), NO_CREDIT],
  vendor(429, 'insufficient_quota', NO_CREDIT),
  vendor(429, 'billing_not_active', NO_CREDIT),
  vendor(400, 'billing_hard_limit_reached', NO_CREDIT),

  ...cloudflare(2021, 400, OPERATOR),
  ...cloudflare(2001, 400, OPERATOR),
  ...cloudflare(10000, 401, OPERATOR),
  ...cloudflare(9109, 403, OPERATOR),
  ['401 as text', failure.text(401, `Unauthorized for ${INTERNALS.account}`), OPERATOR],
  vendor(401, 'invalid_api_key', OPERATOR),

  ...cloudflare(3021, 400, BUSY),
  ...cloudflare(3036, 429, BUSY),
  ...cloudflare(3040, 429, BUSY),
  ['429 as text', failure.text(429, 'Too Many Requests'), BUSY],
  vendor(429, 'rate_limit_exceeded', BUSY),
  ...['7', '60', '3600', '0'].map((seconds): Row => {
    const retryAfter = { 7: '7', 60: '60', 3600: '60', 0: '1' }[seconds] ?? ''
    const answer = failure.cloudflareErrors(429, 3040, 'Capacity', { 'retry-after': seconds })
    return [`429 with retry-after ${seconds}`, answer, { ...BUSY, retryAfter }]
  }),

  ...cloudflare(3007, 408, TIMEOUT),
  ...cloudflare(3008, 500, TIMEOUT),
  ['408 as text', failure.text(408, 'Request Timeout'), TIMEOUT],
  ['504 as HTML', failure.text(504, '<h1>Gateway time-out</h1>', 'text/html'), TIMEOUT],

  ...cloudflare(3006, 413, TOO_LARGE),
  ['413 as text', failure.text(413, 'Payload Too Large'), TOO_LARGE],

  ...cloudflare(5004, 400, BAD_INPUT),
  ...cloudflare(3003, 400, BAD_INPUT),
  ...cloudflare(3039, 400, BAD_INPUT),

  ...cloudflare(5016, 500, BROKEN),
  ['500 as text', failure.text(500, `Internal error at ${INTERNALS.url}`), BROKEN],
  ['500 with no body', failure.text(500, ''), BROKEN],
  ['520 as HTML', failure.text(520, '<h1>Web server is down</h1>', 'text/html'), BROKEN],
  ['503', failure.text(503, 'upstream connect error'), OVERLOADED],
  [
    '503 with retry-after',
    failure.text(503, '', 'text/plain', { 'retry-after': '9' }),
    { ...OVERLOADED, retryAfter: '9' },
  ],
  ['a redirect', failure.text(302, '', 'text/plain', { location: INTERNALS.url }), BROKEN],
  ['an answer as text', failure.text(200, `Hello from ${INTERNALS.account}`), BROKEN],
  ['an answer as HTML', failure.text(200, '<h1>Hi</h1>', 'text/html'), BROKEN],
  ['an answer without a body', { status: 204 }, BROKEN],
  ['a broken connection', { instead: 'reset' }, BROKEN],
  ['a closed connection', { instead: 'cut' }, BROKEN],
  ['an error that is cut off', { ...jsonAnswer('{"errors":[', 500), ending: 'reset' }, BROKEN],
  ['an error without end', { ...jsonAnswer('', 429), body: endless() }, BUSY],
]

/** Good answers of the kind that the caller did not ask for. */
export const OTHER_KIND: Record<'JSON' | 'stream', Answer> = {
  JSON: streamAnswer('data: [DONE]\n\n'),
  stream: jsonAnswer('{}'),
}

/** Yields more than the gateway may read. The gateway must cancel before the end. */
function* endless(): Generator<Uint8Array> {
  const piece = new Uint8Array(16_384).fill(0x20)
  for (let count = 0; count < 100_000; count += 1) yield piece
}
