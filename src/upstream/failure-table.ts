/** The table of the upstream's failures: how each is recognised, what the caller gets, and what the operator can do. */
import type { UpstreamFailure } from '../failure.ts'
import type { Symptom } from './symptom.ts'

/** Whether another model may answer the same request. A missing credit is one of all models of a vendor. */
export type FallsBack = 'always' | 'to_other_vendor' | 'never'

/** A row fits a symptom with one of its codes or statuses, or one that meets its condition. */
export interface FailureRow {
  reason: string
  /** Cloudflare's codes. */
  codes?: readonly number[]
  /** HTTP statuses. */
  statuses?: readonly number[]
  fits?: (symptom: Symptom) => boolean
  /** What the caller gets: by default a `server_error`. A `retry-after` of the upstream stands in the place of the row's. */
  failure: Pick<UpstreamFailure, 'status' | 'message'> & Partial<UpstreamFailure>
  /** A sentence that tells the operator what to do, where only the operator can mend it. */
  alert?: string
  /** Default `never`: the request or the gateway itself is at fault. */
  fallsBack?: FallsBack
}

/** How long a caller is told to wait where the upstream gives no time. */
export const RETRY_AFTER_BUSY_SECONDS = 5
export const RETRY_AFTER_BROKEN_SECONDS = 1

/**
 * Sources: Cloudflare's documented Workers AI errors (3003–3042, 5004–5028), AI Gateway errors (2001 no such gateway,
 * 2009 and 2021 its authentication, 7003), and https://platform.openai.com/docs/guides/error-codes. The first row that fits
 * counts, and failures that only the operator can mend stand first.
 */
export const FAILURE_TABLE: readonly FailureRow[] = [
  {
    reason: 'ai_binding_not_remote',
    fits: ({ status, text }) =>
      // The binding itself throws this. A response with these words only repeats them.
      status === 0 && /needs? to be run remotely|remote (?:mode|binding)|not supported locally/i.test(text),
    failure: {
      status: 503,
      code: 'model_not_reachable',
      message:
        'This gateway runs locally and cannot reach the model. Run `npm run dev` for the offline simulator, or `npm run dev:remote` for the real model (needs a Cloudflare login).',
      shouldRetry: false,
    },
    alert:
      'The AI binding has no local mode: run `npm run dev` (simulator) or `npm run dev:remote` (real model).',
  },
  {
    reason: 'no_such_model',
    codes: [7003, 3042, 5028, 5007],
    fits: ({ vendor }) => vendor?.code === 'model_not_found',
    failure: {
      status: 404,
      type: 'invalid_request_error',
      code: 'model_not_found',
      param: 'model',
      message: 'The model does not exist upstream or has been retired. Ask the operator of this gateway.',
    },
    alert: 'The upstream has no such model (any more): point its name at another slug with the var MODELS.',
    fallsBack: 'always',
  },
  {
    reason: 'no_credit',
    statuses: [402],
    fits: ({ status, text, vendor }) =>
      /^(insufficient_quota|billing_(not_active|hard_limit_reached))$/.test(vendor?.code ?? '') ||
      // The vendor's 400 may repeat the caller's words, and a caller must not be able to alert the operator.
      (!(vendor !== null && status === 400) &&
        /insufficient (?:balance|credits?|funds|quota)|(?:spend(?:ing)?|budget|billing) limit/i.test(text)),
    failure: {
      status: 429,
      type: 'insufficient_quota',
      code: 'insufficient_quota',
      message: 'The account behind this gateway has no credit left or has reached its spend limit.',
      shouldRetry: false,
    },
    alert:
      'The Cloudflare account has no credit left or has reached its spend limit: add credit, or raise the limit.',
    fallsBack: 'to_other_vendor',
  },
  {
    reason: 'operator_credentials',
    codes: [2001, 2009, 2021],
    statuses: [401, 403],
    failure: {
      status: 500,
      message: 'The gateway is not allowed to call the model. Ask the operator of this gateway.',
      shouldRetry: false,
    },
    alert:
      'The upstream refused the gateway itself (401, 403, 2001, 2009 or 2021): check that AI Gateway has the id in the var AI_GATEWAY_ID, and its authentication.',
  },
  {
    reason: 'busy',
    codes: [3021, 3036, 3040],
    statuses: [429],
    failure: {
      status: 429,
      type: 'requests',
      code: 'rate_limit_exceeded',
      message:
        'The model is at its capacity for this account. Please retry after the time in the retry-after header.',
      retryAfterSeconds: RETRY_AFTER_BUSY_SECONDS,
    },
    fallsBack: 'always',
  },
  {
    reason: 'timeout',
    codes: [3007, 3008],
    statuses: [408, 504],
    failure: { status: 504, code: 'timeout', message: 'The model did not answer in time.' },
    fallsBack: 'always',
  },
  {
    reason: 'request_too_large',
    codes: [3006],
    fits: ({ status, code }) => status === 413 && code === 0,
    failure: {
      status: 413,
      type: 'invalid_request_error',
      code: 'request_too_large',
      message: 'The request is too large for the model.',
    },
  },
  {
    // The caller gets the vendor's own words, as far as there are any.
    reason: 'vendor_refusal',
    fits: ({ status, vendor }) => vendor !== null && status >= 400 && status < 500,
    failure: { status: 400, type: 'invalid_request_error', message: 'The model refused the request.' },
  },
  {
    reason: 'bad_input',
    codes: [5004, 3003, 3039],
    failure: {
      status: 400,
      type: 'invalid_request_error',
      message: 'The model refused the request as invalid.',
    },
  },
  {
    reason: 'overloaded',
    statuses: [503, 529],
    failure: {
      status: 503,
      code: 'overloaded',
      message: 'The model is overloaded or not ready yet. Please retry.',
      retryAfterSeconds: RETRY_AFTER_BROKEN_SECONDS,
    },
    fallsBack: 'always',
  },
  {
    reason: 'broken',
    fits: () => true,
    failure: {
      status: 502,
      code: 'upstream_error',
      message: 'The model gave no usable answer. Please retry.',
      retryAfterSeconds: RETRY_AFTER_BROKEN_SECONDS,
    },
    fallsBack: 'always',
  },
]
