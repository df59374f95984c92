/** Judges the upstream's failures by their table: what the caller and the operator get. */
import type { UpstreamFailure } from '../failure.ts'
import { FAILURE_TABLE, type FailureRow, type FallsBack } from './failure-table.ts'
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
  const row = FAILURE_TABLE.find((candidate) => isFor(candidate, symptom))
  if (row === undefined) throw new Error('the last row of the table fits everything')
  const { reason, alert, fallsBack = 'never' } = row
  const { status, code } = symptom
  const details = [status === 0 ? [] : `status ${status}`, code === 0 ? [] : `code ${code}`].flat()
  return {
    failure: failureOf(row, symptom),
    diagnosis: {
      reason: [`upstream_${reason}`, ...details].join(', '),
      ...(alert !== undefined && { alert }),
      ...(reason === 'no_such_model' && { isModelGone: true }),
    },
    mayHaveWorked: reason === 'timeout' || (reason === 'broken' && status === 0 && code === 0),
    fallsBack: isRefusal(symptom, row) ? 'never' : fallsBack,
  }
}

function isFor({ codes, statuses, fits }: FailureRow, symptom: Symptom): boolean {
  return (
    codes?.includes(symptom.code) === true ||
    statuses?.includes(symptom.status) === true ||
    fits?.(symptom) === true
  )
}

function failureOf({ reason, failure }: FailureRow, symptom: Symptom): UpstreamFailure {
  const base: UpstreamFailure = { ...SERVER_ERROR, ...failure }
  const { status, vendor, retryAfterSeconds } = symptom
  if (reason === 'vendor_refusal' && vendor !== null) {
    const { message, type, ...named } = vendor
    return { ...base, ...named, status, type: type ?? base.type, message: withoutAccount(message) }
  }
  const isWait = base.retryAfterSeconds !== undefined && retryAfterSeconds !== null
  return isWait ? { ...base, retryAfterSeconds } : base
}

const SERVER_ERROR = { kind: 'upstream', type: 'server_error', code: null, param: null } as const

/** A 4xx in a shape that no row knows is broken for the caller. Another model would refuse the request too. */
function isRefusal({ status }: Symptom, { reason }: FailureRow): boolean {
  return reason === 'broken' && status >= 400 && status < 500
}

/** The vendor names the organisation or project of the account in some messages; the caller must not learn them. */
function withoutAccount(message: string): string {
  return message.replaceAll(/\b(org-|proj[-_]|user-)[A-Za-z0-9]{6,}/g, '$1…').slice(0, 2_000)
}
