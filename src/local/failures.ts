/**
 * The upstream's known error shapes.
 * Source: developers.cloudflare.com/workers-ai/platform/errors. Codes 2021, 3021, 3043, 5028 and 7003 are not in that table.
 * Their statuses and texts are guesses, and a script can override them.
 */

import type { Refusal } from './model/parsed-request.ts'
import type { ScriptedError } from './script.ts'

interface CloudflareFailure {
  readonly code: number
  readonly status: number
  readonly name: string
  readonly message: string
}

const CLOUDFLARE_FAILURES: readonly CloudflareFailure[] = [
  { code: 5004, status: 400, name: 'Invalid data', message: 'Invalid data type for base64 input' },
  { code: 3003, status: 400, name: 'Incomplete request', message: 'Request is missing headers or body' },
  {
    code: 3039,
    status: 400,
    name: 'Finetune missing required files',
    message: 'Finetune is missing required files',
  },
  { code: 2021, status: 401, name: 'Not allowed', message: 'Authentication with the provider failed' },
  { code: 3042, status: 404, name: 'Invalid model ID', message: 'The model name is invalid' },
  { code: 7003, status: 404, name: 'No such model', message: 'No such model' },
  { code: 5007, status: 400, name: 'No such model', message: 'No such model or task' },
  { code: 5028, status: 410, name: 'Deprecated model', message: 'This model was deprecated' },
  { code: 3007, status: 408, name: 'Timeout', message: 'Request timeout' },
  { code: 3008, status: 408, name: 'Aborted', message: 'Request was aborted' },
  { code: 3006, status: 413, name: 'Request too large', message: 'Request is too large' },
  {
    code: 3040,
    status: 429,
    name: 'Out of capacity',
    message: 'No more data centers to forward the request to',
  },
  {
    code: 3036,
    status: 429,
    name: 'Account limited',
    message: 'You have used up your daily free allocation',
  },
  { code: 3021, status: 429, name: 'Rate limited', message: 'Too many requests' },
]

const CLOUDFLARE_UNKNOWN = {
  code: 3043,
  status: 500,
  name: 'Internal server error',
  message: 'Internal server error',
}

/** Answers with the scripted error. A field that the script leaves out gets the upstream's usual value. */
export function failureResponse(error: ScriptedError, headers: Headers): Response {
  if (error.retryAfter !== undefined) headers.set('retry-after', String(error.retryAfter))
  return SHAPES[error.shape](error, headers)
}

const SHAPES: Record<ScriptedError['shape'], (error: ScriptedError, headers: Headers) => Response> = {
  openai: openaiFailure,
  cloudflare_errors(error, headers) {
    const { code, status, message } = cloudflareFailure(error)
    return jsonFailure({ errors: [{ code, message }] }, status, headers)
  },
  cloudflare_internal(error, headers) {
    const { code, status, name, message } = cloudflareFailure(error)
    return jsonFailure({ internalCode: code, name, description: message }, status, headers)
  },
  text: ({ message = 'upstream connect error', status = 502 }, headers) =>
    bodyFailure(message, 'text/plain', status, headers),
  html({ message = '502 Bad Gateway', status = 502 }, headers) {
    const head = `<head><title>${message}</title></head>`
    const page = `<!DOCTYPE html>\n<html>${head}<body><h1>${message}</h1></body></html>\n`
    return bodyFailure(page, 'text/html; charset=UTF-8', status, headers)
  },
  empty: ({ status = 500 }, headers) => new Response(null, { status, headers }),
}

/** The error for a request or a script that the simulator cannot parse, or that refers to something stored. */
export function refusalResponse(refusal: Refusal, headers: Headers): Response {
  const { param, message, status = 400, code = null } = refusal
  return openaiEnvelope({ message, type: 'invalid_request_error', param, code }, status, headers)
}

/** The 502 for a local upstream that cannot be reached. */
export function unreachableResponse(message: string): Response {
  return openaiEnvelope(
    { message, type: 'server_error', param: null, code: 'upstream_unreachable' },
    502,
    new Headers(),
  )
}

function openaiFailure(error: ScriptedError, headers: Headers): Response {
  const status = error.status ?? 400
  const usual = usualOpenaiError(status)
  const code = error.code === undefined ? usual.code : String(error.code)
  return openaiEnvelope(
    { message: error.message ?? usual.message, type: usual.type, param: null, code },
    status,
    headers,
  )
}

function usualOpenaiError(status: number): { message: string; type: string; code: string | null } {
  const invalid = 'invalid_request_error'
  if (status === 401)
    return { message: 'Incorrect API key provided.', type: invalid, code: 'invalid_api_key' }
  if (status === 404) return { message: 'The model does not exist.', type: invalid, code: 'model_not_found' }
  if (status === 429) return { message: 'Rate limit reached.', type: 'requests', code: 'rate_limit_exceeded' }
  if (status >= 500) return { message: 'The server had an error.', type: 'server_error', code: null }
  return { message: 'The request is invalid.', type: invalid, code: null }
}

/** Found by the script's code or, without one, by its status. */
function cloudflareFailure({ code, status, message }: ScriptedError) {
  const known =
    CLOUDFLARE_FAILURES.find((failure) =>
      code === undefined ? failure.status === status : failure.code === Number(code),
    ) ?? CLOUDFLARE_UNKNOWN
  return {
    code: code ?? known.code,
    status: status ?? known.status,
    name: known.name,
    message: message ?? known.message,
  }
}

interface OpenaiError {
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
}

function openaiEnvelope(error: OpenaiError, status: number, headers: Headers): Response {
  return jsonFailure({ error }, status, headers)
}

function jsonFailure(body: object, status: number, headers: Headers): Response {
  return bodyFailure(JSON.stringify(body), 'application/json', status, headers)
}

function bodyFailure(body: string, contentType: string, status: number, headers: Headers): Response {
  headers.set('content-type', contentType)
  // The constructor of `Response` refuses a body with these statuses.
  const bodyless = status === 204 || status === 205 || status === 304
  return new Response(bodyless ? null : body, { status, headers })
}
