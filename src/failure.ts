/** Failures: the closed union of all that can go wrong, and the error by which a stage throws one. */

export type Failure =
  | ParameterFailure
  | { kind: 'invalid_json'; empty: boolean }
  | { kind: 'unsupported_content_type'; contentType: string | null }
  | { kind: 'unsupported_content_encoding'; encoding: string }
  | { kind: 'body_too_large'; bodyBytesMax: number }
  | { kind: 'request_timeout'; timeoutMs: number; bytesPerSecondMin: number }
  | { kind: 'gateway_busy' }
  | { kind: 'missing_key' }
  | { kind: 'invalid_key'; masked: string }
  | { kind: 'ip_not_authorized'; address: string }
  | { kind: 'group_deleted' }
  | UnavailableFailure
  | { kind: 'key_record_unreadable' }
  | { kind: 'admin_off' }
  | { kind: 'invalid_admin_token' }
  | { kind: 'key_not_found'; keyId: string }
  | { kind: 'group_not_found'; groupId: string }
  | { kind: 'group_not_empty'; groupId: string; keys: number }
  | { kind: 'request_not_found'; requestId: string }
  | { kind: 'unknown_url'; method: string; path: string; underV1: boolean }
  | { kind: 'method_not_allowed'; method: string; path: string; allow: string }
  | { kind: 'model_not_found'; model: string }
  | { kind: 'response_not_found'; responseId: string }
  | RateLimitFailure
  | { kind: 'budget_spent'; message: string }
  | UpstreamFailure
  | { kind: 'client_closed' }
  | { kind: 'misconfigured'; variable: string }
  | { kind: 'internal' }

/** A parameter of the caller or of the operator that is wrong; made by `invalidParameter`. */
export interface ParameterFailure {
  kind: 'invalid_parameter'
  /** As `messages[0].content`; `null` for the body as a whole. */
  param: string | null
  code: string
  message: string
}

/** The failure of a bad parameter: its path, a sentence that says what to send instead, and OpenAI's code. */
export function invalidParameter(
  param: string | null,
  message: string,
  code = 'invalid_value',
): ParameterFailure {
  return { kind: 'invalid_parameter', param, code, message }
}

/** A store does not answer, and this isolate does not know the record. */
export interface UnavailableFailure {
  kind: 'keys_unavailable' | 'budget_unavailable' | 'usage_unavailable'
}

/** A limit of the key; `retryAfterMs` is `null` where waiting does not help. */
export interface RateLimitFailure {
  kind: 'rate_limited'
  measure: 'requests' | 'tokens'
  message: string
  retryAfterMs: number | null
}

/** The official SDKs ignore a longer `retry-after`. */
export const RETRY_AFTER_MAX_SECONDS = 60

/** The caller's part of an upstream failure. Only `upstream/failures.ts` makes it. */
export interface UpstreamFailure {
  kind: 'upstream'
  status: number
  type: string
  code: string | null
  param: string | null
  message: string
  /** Whole seconds, 1 to `RETRY_AFTER_MAX_SECONDS`. */
  retryAfterSeconds?: number
  /** `false` keeps the official SDKs from their two retries of a 429 or 5xx. */
  shouldRetry?: false
}

/** A stage throws it to fail a request. `reason` is for the log alone: it may hold more than the caller may learn, but no secret. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly failure: Failure
  readonly reason: string

  constructor(failure: Failure, reason: string = failure.kind) {
    super(failure.kind)
    this.failure = failure
    this.reason = reason
  }
}
