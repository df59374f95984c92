/**
 * The place of a request: its key or its group has admitted it, by an account or by the counts of this isolate. The request
 * has the place until its end is booked, or until the place is released because the request is not sent.
 */
import type { Refused, Reservation, WaitUntil, WindowLimits } from '../limits/decision.ts'
import type { Model } from '../models/model.ts'
import type { AccountStatus, Refusal, SettlementEntry } from './protocol.ts'
import { type Ending, RELEASED } from './request-end.ts'
import type { AdmissionParts, RefusedRequest, RequestToAdmit } from './request-to-admit.ts'
import { tagsText } from './tags.ts'

export interface Place {
  readonly outcome: 'admitted'
  /** The key or the group. */
  readonly ownerId: string
  /** `account`: the account may have counted the request, even where it did not answer. */
  readonly admittedBy: SettlementEntry['admittedBy']
  readonly admittedAtMs: number
  /** The counts of this isolate; `null` where the account alone counts. */
  readonly reservation: Reservation | null
  readonly status: AccountStatus
}

/** Applies the limits of a minute as this isolate knows them. */
export function placeHere(
  ownerId: string,
  limits: WindowLimits,
  tokens: number,
  nowMs: number,
  { limiter }: AdmissionParts,
  waitUntil: WaitUntil,
): Place | RefusedRequest {
  const decision = limiter.check(ownerId, limits, { requests: 1, tokens }, nowMs, waitUntil)
  const { state: status } = decision
  if (decision.admitted) {
    const { reservation } = decision
    return {
      outcome: 'admitted',
      ownerId,
      admittedBy: 'isolate',
      admittedAtMs: nowMs,
      reservation,
      status,
    }
  }
  if (decision.reason !== 'tokens_too_large') {
    return { outcome: 'refused', refusal: refusalOf(decision), status }
  }
  const { reason, limit, requestedTokens: used } = decision
  const refusal = { reason, limit, used, retryAfterMs: null, refusedUntilMs: 0 }
  return { outcome: 'refused', refusal, status }
}

/** Books the end of the request with the owner of the place. The means have learnt from it before. */
export function bookEnd(
  place: Place,
  request: RequestToAdmit,
  { ending, model }: { ending: Ending; model: Model },
  nowMs: number,
  { limiter, accountClient }: AdmissionParts,
  waitUntil: WaitUntil,
): void {
  const { ownerId, admittedBy, admittedAtMs, reservation } = place
  const { promptTokens, completionTokens } = ending.booked
  if (reservation !== null) limiter.settle(reservation, promptTokens + completionTokens, nowMs)
  const entry = { ...identityOf(request, model, admittedAtMs, admittedBy), ...ending }
  accountClient.book(ownerId, entry, nowMs, waitUntil, { atOnce: admittedBy === 'account' })
}

/** Gives back the place of a request that is not sent. */
export function release(
  { ownerId, admittedBy, admittedAtMs, reservation }: Omit<Place, 'outcome' | 'status'>,
  request: RequestToAdmit,
  nowMs: number,
  { limiter, accountClient }: AdmissionParts,
  waitUntil: WaitUntil,
): void {
  if (reservation !== null) limiter.release(reservation, nowMs)
  if (admittedBy === 'isolate') return
  const entry = { ...identityOf(request, request.models[0], admittedAtMs, admittedBy), ...RELEASED }
  accountClient.book(ownerId, entry, nowMs, waitUntil, { atOnce: true })
}

/** The part of a settlement that is known at the admission. */
export function identityOf(
  { requestId, tags }: RequestToAdmit,
  model: Model,
  admittedAtMs: number,
  admittedBy: SettlementEntry['admittedBy'],
): Omit<SettlementEntry, keyof Ending> {
  return { requestId, model: model.id, tags: tags && tagsText(tags), admittedAtMs, admittedBy }
}

export function refusalOf({ reason, limit, used, retryAfterMs }: Refused): Refusal {
  return { reason, limit, used, retryAfterMs, refusedUntilMs: 0 }
}
