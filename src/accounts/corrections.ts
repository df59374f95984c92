/** Asks AI Gateway's log for the usage of requests that ended without one. */
import { readLog } from '../upstream/gateway-log.ts'
import type { UpstreamBinding } from '../upstream/call.ts'
import { orTimeoutError } from '../timeout.ts'
import type { Pending } from './book-schema.ts'
import { logFigures } from './log-figures.ts'
import type { BookedUsage } from './protocol.ts'

/** Questions of one alarm. A Worker of the free plan may make 50 calls. The next alarm comes at once and goes on. */
export const QUESTIONS_MAX = 30
/** A question that takes longer has no answer, ms. */
export const QUESTION_TIMEOUT_MS = 5_000

export interface Correction {
  requestId: string
  /** The true usage; `null` where the log does not have it, or does not answer. */
  booked: BookedUsage | null
}

/** Asks for the first of the requests, all at once. Never throws. */
export async function correctionsOf(ai: UpstreamBinding, pending: readonly Pending[]): Promise<Correction[]> {
  return Promise.all(pending.slice(0, QUESTIONS_MAX).map((request) => correctionOf(ai, request)))
}

async function correctionOf(ai: UpstreamBinding, { requestId, log }: Pending): Promise<Correction> {
  try {
    const record = await orTimeoutError(readLog(ai, log.gatewayId, log.logId), QUESTION_TIMEOUT_MS)
    return { requestId, booked: logFigures(record, log.prices) }
  } catch {
    // The log is not there yet, or not available. The next question tells.
    return { requestId, booked: null }
  }
}
