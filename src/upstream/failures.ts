/** The table of the upstream's failures: the first row that fits tells what the caller and the operator get. */
import type { UpstreamFailure } from '../failure.ts'
import { NO_SYMPTOM, type Symptom, symptomOfError, symptomOfResponse, type VendorError } from './symptom.ts'

/** The log's part of a failure: numbers and words of the upstream's protocol, never the text of a message. */
export interface Diagnosis {
  reason: string
  /** A sentence that tells the operator what to do, where only the operator can mend it. */
  alert?: string
  /** The upstream has no such model (any more). */
  isModelGone?: true
}

export interface FailureOutcome {
  failure: UpstreamFailure
  diagnosis: Diagnosis
  /**
   * Whether the model may have worked on the request, and so costs something: the upstream has not answered, or not in time.
   * The vendor charges nothing for an error that it answers with.
   */
  mayHaveWorked: boolean
  /** Whether another model may answer the same request. A missing credit is one of all models of a vendor. */
  fallsBack: FallsBack
}

export type FallsBack = 'always' | 'to_other_vendor' | 'never'

/** How long a caller is told to wait where the upstream gives no time. */
export const RETRY_AFTER_BUSY_SECONDS = 5
export const RETRY_AFTER_BROKEN_SECONDS = 1
interface Row {
  reason: string
  fits(symptom: Symptom): boolean
  failure(symptom: Symptom): UpstreamFailure
  alert?: string
  /** Default `never`: the request or the gateway itself is at fault. */
  fallsBack?: FallsBack
}

/**
 * Sources: Cloudflare's documented Workers AI errors (3003–3042, 5004–5028), AI Gateway errors (2001 no such gateway,
 * 2009 and 2021 its authentication, 7003), and https://platform.openai.com/docs/guides/error-codes. The order matters:
 * failures that only the operator can mend stand first.
 */
const TABLE: readonly Row[] = [
  {
    reason: 'ai_binding_not_remote',
    fits: ({ status, text }) =>
      // The binding itself throws this. A response with these words only repeats them.
      status === 0 && /needs? to be run remotely|remote (?:mode|binding)|not supported locally/i.test(text),
    failure: () => ({
      ...serverError(503, 'This gateway runs locally without the model.', 'model_not_reachable'),
      message:
        'This gateway runs locally and cannot reach the model. Run `npm run dev` for the offline simulator, or `npm run dev:remote` for the real model (needs a Cloudflare login).',
      shouldRetry: false,
    }),
    alert:
      'The AI binding has no local mode: run `npm run dev` (simulator) or `npm run dev:remote` (real model).',
  },
  {
    reason: 'no_such_model',
    fits: ({ code, vendor }) => [7003, 3042, 5028, 5007].includes(code) || vendor?.code === 'model_not_found',
    failure: () => ({
      kind: 'upstream',
      status: 404,
      type: 'invalid_request_error',
      code: 'model_not_found',
      param: 'model',
      message: 'The model does not exist upstream or has been retired. Ask the operator of this gateway.',
    }),
    alert: 'The upstream has no such model (any more): point its name at another slug with the var MODELS.',
    fallsBack: 'always',
  },
  {
    reason: 'no_credit',
    fits: ({ status, text, vendor }) =>
      status === 402 ||
      /^(insufficient_quota|billing_(not_active|hard_limit_reached))$/.test(vendor?.code ?? '') ||
      // The vendor's 400 may repeat the caller's words, and a caller must not be able to alert the operator.
      (!(vendor !== null && status === 400) &&
        /insufficient (?:balance|credits?|funds|quota)|(?:spend(?:ing)?|budget|billing) limit/i.test(text)),
    failure: () => ({
      kind: 'upstream',
      status: 429,
      type: 'insufficient_quota',
      code: 'insufficient_quota',
      param: null,
      message: 'The account behind this gateway has no credit left or has reached its spend limit.',
      shouldRetry: false,
    }),
    alert:
      'The Cloudflare account has no credit left or has reached its spend limit: add credit, or raise the limit.',
    fallsBack: 'to_other_vendor',
  },
  {
    reason: 'operator_credentials',
    fits: ({ status, code }) => [2001, 2009, 2021].includes(code) || status === 401 || status === 403,
    failure: () => ({
      ...serverError(
        500,
        'The gateway is not allowed to call the model. Ask the operator of this gateway.',
        null,
      ),
      shouldRetry: false,
    }),
    alert:
      'The upstream refused the gateway itself (401, 403, 2001, 2009 or 2021): check that AI Gateway has the id in the var AI_GATEWAY_ID, and its authentication.',
  },
  {
    reason: 'busy',
    fits: ({ status, code }) => [3021, 3036, 3040].includes(code) || status === 429,
    failure: ({ retryAfterSeconds }) => ({
      kind: 'upstream',
      status: 429,
      type: 'requests',
      code: 'rate_limit_exceeded',
      param: null,
      message:
        'The model is at its capacity for this account. Please retry after the time in the retry-after header.',
      retryAfterSeconds: retryAfterSeconds ?? RETRY_AFTER_BUSY_SECONDS,
    }),
    fallsBack: 'always',
  },
  {
    reason: 'timeout',
    fits: ({ status, code }) => [3007, 3008].includes(code) || status === 408 || status === 504,
    failure: () => serverError(504, 'The model did not answer in time.', 'timeout'),
    fallsBack: 'always',
  },
  {
    reason: 'request_too_large',
    fits: ({ status, code }) => code === 3006 || (status === 413 && code === 0),
    failure: () => ({
      kind: 'upstream',
      status: 413,
      type: 'invalid_request_error',
      code: 'request_too_large',
      param: null,
      message: 'The request is too large for the model.',
    }),
  },
  {
    reason: 'vendor_refusal',
    fits: ({ status, vendor }) => vendor !== null && status >= 400 && status < 500,
    failure: ({ status, vendor }) => ({
      kind: 'upstream',
      status,
      type: vendor?.type ?? 'invalid_request_error',
      code: vendor?.code ?? null,
      param: vendor?.param ?? null,
      message: withoutAccount(vendor?.message ?? 'The model refused the request.'),
    }),
  },
  {
    reason: 'bad_input',
    fits: ({ code }) => [5004, 3003, 3039].includes(code),
    failure: () => ({
      kind: 'upstream',
      status: 400,
      type: 'invalid_request_error',
      code: null,
      param: null,
      message: 'The model refused the request as invalid.',
    }),
  },
  {
    reason: 'overloaded',
    fits: ({ status }) => status === 503 || status === 529,
    failure: ({ retryAfterSeconds }) => ({
      ...serverError(503, 'The model is overloaded or not ready yet. Please retry.', 'overloaded'),
      retryAfterSeconds: retryAfterSeconds ?? RETRY_AFTER_BROKEN_SECONDS,
    }),
    fallsBack: 'always',
  },
  {
    reason: 'broken',
    fits: () => true,
    failure: () => ({
      ...serverError(502, 'The model gave no usable answer. Please retry.', 'upstream_error'),
      retryAfterSeconds: RETRY_AFTER_BROKEN_SECONDS,
    }),
    fallsBack: 'always',
  },
]

/** A response with an error status, or with the wrong content type. Its body is read within bounds. */
export async function failureOfResponse(response: Response): Promise<FailureOutcome> {
  return diagnose(await symptomOfResponse(response))
}

/** An error that the binding threw. */
export function failureOfError(error: unknown): FailureOutcome {
  return diagnose(symptomOfError(error))
}

/** An error that the upstream tells in an answer with status 200. It is judged as if it had come alone. */
export function failureOfAnswer(error: VendorError): FailureOutcome {
  const status = STATUSES.get(error.type) ?? 400
  return diagnose({ ...NO_SYMPTOM, status, text: error.message, vendor: error })
}

/** The statuses with which the vendor sends errors of these types. */
const STATUSES: ReadonlyMap<string | null, number> = new Map([
  ['server_error', 500],
  ['requests', 429],
])

/** The gateway's own time-out. */
export function timeoutOutcome(): FailureOutcome {
  return diagnose({ ...NO_SYMPTOM, status: 504 })
}

/** Anything else that the binding resolved to. It has been seen to resolve to `undefined`. */
export function failureOfNothing(answer: unknown): FailureOutcome {
  const outcome = diagnose(NO_SYMPTOM)
  return { ...outcome, diagnosis: { ...outcome.diagnosis, reason: `upstream_no_response: ${typeof answer}` } }
}

function diagnose(symptom: Symptom): FailureOutcome {
  const row = TABLE.find((candidate) => candidate.fits(symptom))
  if (row === undefined) throw new Error('the last row of the table fits everything')
  const details = [
    symptom.status === 0 ? null : `status ${symptom.status}`,
    symptom.code === 0 ? null : `code ${symptom.code}`,
  ].filter((detail) => detail !== null)
  return {
    failure: row.failure(symptom),
    diagnosis: {
      reason: [`upstream_${row.reason}`, ...details].join(', '),
      ...(row.alert === undefined ? {} : { alert: row.alert }),
      ...(row.reason === 'no_such_model' ? { isModelGone: true } : {}),
    },
    mayHaveWorked:
      row.reason === 'timeout' || (row.reason === 'broken' && symptom.status === 0 && symptom.code === 0),
    fallsBack: isRefusal(symptom, row) ? 'never' : (row.fallsBack ?? 'never'),
  }
}

/** A 4xx in a shape that no row knows is broken for the caller. Another model would refuse the request too. */
function isRefusal({ status }: Symptom, { reason }: Row): boolean {
  return reason === 'broken' && status >= 400 && status < 500
}

function serverError(status: number, message: string, code: string | null): UpstreamFailure {
  return { kind: 'upstream', status, type: 'server_error', code, param: null, message }
}

/** The vendor names the organisation or project of the account in some messages; the caller must not learn them. */
function withoutAccount(message: string): string {
  return message.replaceAll(/\b(org-|proj[-_]|user-)[A-Za-z0-9]{6,}/g, '$1…').slice(0, 2_000)
}
