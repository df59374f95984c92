/** Failures that several routes have. */
import type { FailureName } from './failures.ts'

/** Failures of any route. */
export const ANYWHERE: readonly FailureName[] = ['misconfigured', 'internal']
/** Failures of a route that needs a key. `rate_limited` is for an address that tries many made-up keys. */
export const WITH_KEY: readonly FailureName[] = [
  'missing_key',
  'invalid_key',
  'ip_not_authorized',
  'rate_limited',
  'keys_unavailable',
  'key_record_unreadable',
]
/** Failures of an operator's route. `rate_limited` is for an address that tries many wrong tokens. */
export const WITH_TOKEN: readonly FailureName[] = ['admin_off', 'invalid_admin_token', 'rate_limited']
/** Failures of a route that reads a body. */
export const WITH_BODY: readonly FailureName[] = [
  'invalid_json',
  'request_timeout',
  'body_too_large',
  'unsupported_content_type',
  'unsupported_content_encoding',
  'gateway_busy',
]
/** Failures of a route that asks the model. */
export const WITH_MODEL: readonly FailureName[] = [
  'model_refused',
  'upstream_bad_input',
  'model_not_found',
  'upstream_no_model',
  'upstream_too_large',
  'budget_spent',
  'upstream_busy',
  'upstream_no_credit',
  'client_closed',
  'upstream_not_allowed',
  'group_deleted',
  'upstream_broken',
  'budget_unavailable',
  'upstream_overloaded',
  'upstream_not_reachable',
  'upstream_timeout',
]
