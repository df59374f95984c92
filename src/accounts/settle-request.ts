/** What a request keeps while it is under way: its leases, and the functions that book its end and its failed attempts. */
import type { WaitUntil } from '../limits/decision.ts'
import { bookEnd, identityOf, type Place } from './place.ts'
import { endingOf, NO_OUTPUT } from './request-end.ts'
import type { Admission, AdmissionParts, RequestToAdmit, Settle, SettleAttempt } from './request-to-admit.ts'
import { scarcerStatus } from './scarcer-status.ts'

/** The admission of a request that has its places; `ofGroup` is `null` for a key without a group. */
export function admittedTo(
  ofKey: Place,
  ofGroup: Place | null,
  request: RequestToAdmit,
  parts: AdmissionParts,
  clock: () => number,
  waitUntil: WaitUntil,
): Admission {
  const endLease = leaseOf(ofKey, request, parts)
  const endGroupLease = ofGroup === null ? null : leaseOf(ofGroup, request, parts)
  const { admittedAtMs } = ofKey
  const settle = once((end) => {
    endLease?.()
    endGroupLease?.()
    const endedAtMs = clock()
    const booking = {
      ending: endingOf(request, parts.means, end, { admittedAtMs, endedAtMs }),
      model: end.model,
    }
    bookEnd(ofKey, request, booking, endedAtMs, parts, waitUntil)
    if (ofGroup !== null) bookEnd(ofGroup, request, booking, endedAtMs, parts, waitUntil)
  })
  const status = ofGroup === null ? ofKey.status : scarcerStatus(ofKey.status, ofGroup.status)
  const settleAttempt = attemptSettler(request, ofGroup, parts, waitUntil)
  return { outcome: 'admitted', status, settle, settleAttempt }
}

function leaseOf(
  { ownerId, admittedBy }: Place,
  { requestId }: RequestToAdmit,
  { accountClient }: AdmissionParts,
): (() => void) | null {
  return admittedBy === 'account' ? accountClient.keepLease(ownerId, requestId) : null
}

/** Attempts have ids of their own, since an account books each id once. */
function attemptSettler(
  request: RequestToAdmit,
  ofGroup: Place | null,
  { means, accountClient }: AdmissionParts,
  waitUntil: WaitUntil,
): SettleAttempt {
  let attempts = 0
  return ({ startedAtMs, endedAtMs, ...attempt }) => {
    attempts += 1
    const end = { ...NO_OUTPUT, ...attempt, failed: true }
    const entry = {
      ...identityOf(request, attempt.model, startedAtMs, 'isolate'),
      requestId: `${request.requestId}.${attempts}`,
      isAttempt: true as const,
      ...endingOf(request, means, end, { admittedAtMs: startedAtMs, endedAtMs }),
    }
    accountClient.book(request.keyId, entry, endedAtMs, waitUntil, { atOnce: false })
    if (ofGroup !== null) accountClient.book(ofGroup.ownerId, entry, endedAtMs, waitUntil, { atOnce: false })
  }
}

function once(settle: Settle): Settle {
  let isSettled = false
  return (end) => {
    if (isSettled) return
    isSettled = true
    settle(end)
  }
}
