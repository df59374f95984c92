/** Renders failures as OpenAI's error envelope: the sentences that callers read. No other file builds an error response. */
import {
  badRequest,
  envelope,
  invalidRequest,
  type RenderedFailure,
  serverError,
  unauthorized,
} from './error-envelope.ts'
import { type Failure, RETRY_AFTER_MAX_SECONDS } from './failure.ts'
import { excerpt } from './wire/parameter-text.ts'

/** Status, headers that tell a client what to do next, and OpenAI's envelope. */
export function renderFailure(failure: Failure): RenderedFailure {
  switch (failure.kind) {
    case 'invalid_parameter':
      return badRequest(failure.message, failure.param, failure.code)
    case 'invalid_json':
      return badRequest(
        failure.empty
          ? 'The request body is empty. Send a JSON object, such as {"model": "o3-mini", "messages": [...]}.'
          : 'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library correctly. The body must be a complete JSON object in UTF-8.)',
      )
    case 'unsupported_content_type':
      return invalidRequest(415, 'unsupported_content_type', contentTypeMessage(failure.contentType))
    case 'unsupported_content_encoding':
      return invalidRequest(
        415,
        'unsupported_content_encoding',
        `Unsupported content encoding: '${excerpt(failure.encoding)}'. Send the request body uncompressed.`,
      )
    case 'body_too_large':
      return invalidRequest(
        413,
        'request_too_large',
        `The request body is too large: this gateway accepts at most ${failure.bodyBytesMax} bytes.`,
      )
    case 'request_timeout':
      return invalidRequest(
        408,
        'request_timeout',
        `The request body arrived too slowly: this gateway expects all of it within ${failure.timeoutMs / 1000} seconds, and at least ${failure.bytesPerSecondMin} bytes a second.`,
      )
    case 'gateway_busy':
      return serverError(
        503,
        'The gateway is busy with other large requests right now. Please retry.',
        'gateway_busy',
        { 'retry-after': '1' },
      )
    case 'missing_key':
      return unauthorized(
        null,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
      )
    case 'invalid_key':
      return unauthorized(
        'invalid_api_key',
        `Incorrect API key provided: ${failure.masked}. Ask the operator of this gateway for a valid key.`,
      )
    case 'ip_not_authorized':
      // The code is OpenAI's, https://platform.openai.com/docs/guides/error-codes. There the status is 401, as for a wrong key.
      return invalidRequest(
        403,
        'ip_not_authorized',
        `Your IP address ${excerpt(failure.address)} is not authorized to use this API key. Ask the operator of this gateway to allow it.`,
      )
    case 'group_deleted':
      return invalidRequest(
        403,
        'group_deleted',
        'The group of this API key was deleted. Ask the operator of this gateway to move the key to another group.',
      )
    case 'keys_unavailable':
    case 'budget_unavailable':
    case 'usage_unavailable':
      return serverError(503, 'The gateway cannot reach its records right now. Please retry.', failure.kind, {
        'retry-after': '1',
      })
    case 'key_record_unreadable':
      return serverError(
        500,
        'The record of this API key cannot be read. Ask the operator of this gateway.',
        'key_record_unreadable',
        { 'x-should-retry': 'false' },
      )
    case 'admin_off':
      return invalidRequest(
        403,
        'admin_off',
        'The admin routes are off. To turn them on, set a token of at least 32 characters: npx wrangler secret put ADMIN_TOKEN',
      )
    case 'invalid_admin_token':
      return unauthorized(
        'invalid_admin_token',
        'These routes need the operator’s admin token in an Authorization header (Authorization: Bearer ADMIN_TOKEN).',
      )
    case 'key_not_found':
      return noRecord(failure.kind, 'key', failure.keyId)
    case 'group_not_found':
      return noRecord(failure.kind, 'group', failure.groupId)
    case 'group_not_empty':
      return invalidRequest(
        409,
        'group_not_empty',
        `The group '${excerpt(failure.groupId)}' has ${failure.keys === 1 ? '1 key' : `${failure.keys} keys`}. Give each another group, or null, before you delete this one.`,
        'id',
      )
    case 'request_not_found':
      return invalidRequest(
        404,
        'request_not_found',
        `No key has the request '${excerpt(failure.requestId)}' among its last 200. A refused one can be known 5 minutes later while a key’s requests are refused. Requests without a valid key are in the log alone.`,
        'id',
      )
    case 'unknown_url':
      return invalidRequest(404, 'unknown_url', unknownUrlMessage(failure))
    case 'method_not_allowed':
      return {
        ...invalidRequest(
          405,
          'method_not_supported',
          `Not allowed to ${excerpt(failure.method)} on ${excerpt(failure.path)}. (HINT: Perhaps you meant to use ${failure.allow}?)`,
        ),
        headers: { allow: failure.allow },
      }
    case 'model_not_found':
      return invalidRequest(
        404,
        'model_not_found',
        `The model \`${excerpt(failure.model)}\` does not exist or you do not have access to it. GET /v1/models lists the models that you can use.`,
        'model',
      )
    case 'response_not_found':
      return invalidRequest(
        404,
        'response_not_found',
        `Response with id '${excerpt(failure.responseId)}' not found. This gateway does not store responses: keep the items yourself, and send them in 'input'.`,
      )
    case 'rate_limited':
      return {
        status: 429,
        headers: retryHeaders(failure.retryAfterMs),
        body: envelope(failure.message, failure.measure, null, 'rate_limit_exceeded'),
      }
    case 'budget_spent':
      return {
        status: 429,
        headers: retryHeaders(null),
        body: envelope(failure.message, 'insufficient_quota', null, 'insufficient_quota'),
      }
    case 'upstream':
      return {
        status: failure.status,
        headers: {
          ...(failure.retryAfterSeconds === undefined
            ? {}
            : { 'retry-after': `${failure.retryAfterSeconds}` }),
          ...(failure.shouldRetry === false ? { 'x-should-retry': 'false' } : {}),
        },
        body: envelope(failure.message, failure.type, failure.param, failure.code),
      }
    case 'client_closed':
      // No client reads it. The status is nginx's, for the log.
      return invalidRequest(499, 'client_closed', 'The client closed the request.')
    case 'misconfigured':
      return serverError(
        500,
        `The gateway is misconfigured: its variable ${failure.variable} is not valid. Ask the operator of this gateway.`,
        'misconfigured',
        { 'x-should-retry': 'false' },
      )
    case 'internal':
      return serverError(500, 'The gateway had an error while processing your request. Sorry about that!')
  }
}

function noRecord(code: string, what: string, id: string): RenderedFailure {
  return invalidRequest(404, code, `There is no ${what} with the id '${excerpt(id)}'.`, 'id')
}

/** The time until a retry, to the millisecond. Where it is longer than any client waits, a retry is not wanted at all. */
function retryHeaders(retryAfterMs: number | null): Record<string, string> {
  if (retryAfterMs === null || retryAfterMs > RETRY_AFTER_MAX_SECONDS * 1000)
    return { 'x-should-retry': 'false' }
  return {
    'retry-after': `${Math.ceil(retryAfterMs / 1000)}`,
    'retry-after-ms': `${Math.ceil(retryAfterMs)}`,
  }
}

function contentTypeMessage(contentType: string | null): string {
  if (contentType === null) {
    return "Missing content type: add the header 'Content-Type: application/json' to your request."
  }
  return `Unsupported content type: '${excerpt(contentType)}'. This API method only accepts 'application/json' requests: add the header 'Content-Type: application/json' (with curl: -H 'Content-Type: application/json').`
}

function unknownUrlMessage(failure: { method: string; path: string; underV1: boolean }): string {
  const hint = failure.underV1
    ? `Did you mean /v1${excerpt(failure.path)}? The base URL of this API ends in /v1.`
    : 'Please check the URL for typos.'
  return `Unknown request URL: ${excerpt(failure.method)} ${excerpt(failure.path)}. ${hint}`
}
