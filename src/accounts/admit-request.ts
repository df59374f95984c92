/**
 * Admits a request. Its key's account decides where a limit must be exact, and its group's account where the key has a group. For
 * other keys the isolate decides from memory, and nothing is awaited. This file knows no HTTP: the stage renders the decision.
 */
import type { WaitUntil } from '../limits/decision.ts'
import type { Limits } from '../limits/limits.ts'
import { admitByAccount, reservedTokens } from './admit-by-account.ts'
import { admitWithGroup, groupRefusal } from './admit-with-group.ts'
import { placeHere, refusalOf } from './place.ts'
import type { Admission, AdmissionParts, RefusedRequest, RequestToAdmit } from './request-to-admit.ts'
import { admittedTo } from './settle-request.ts'

/** Whether the key's limits need the usage of each answer as soon as the answer ends. A group may have any limit. */
export function needsUsage({ tokensPerMinute, budget }: Limits, groupId: string | undefined): boolean {
  return tokensPerMinute !== undefined || budget !== undefined || groupId !== undefined
}

/** Whether a limit must be exact, so that the key's account decides. */
export function isDecidedByAccount({ requestsPerDay, concurrentRequests, budget, mode }: Limits): boolean {
  return (
    requestsPerDay !== undefined ||
    concurrentRequests !== undefined ||
    budget !== undefined ||
    mode === 'exact'
  )
}

/** A key, and where its limits come from. */
export type LimitedKey = Pick<RequestToAdmit, 'keyId' | 'groupId' | 'limits'>

/** The refusal that any request of the key gets now, however small; `null` where the request itself decides. */
export function refuseAny(
  key: LimitedKey,
  parts: AdmissionParts,
  nowMs: number,
  waitUntil: WaitUntil,
): RefusedRequest | null {
  const { groupId } = key
  const refused = refuseAnyOfKey(key, parts, nowMs, waitUntil)
  if (refused !== null || groupId === undefined) return refused
  return groupRefusal(groupId, null, parts.accountClient, nowMs)
}

function refuseAnyOfKey(
  { keyId, limits }: LimitedKey,
  { accountClient, limiter }: AdmissionParts,
  nowMs: number,
  waitUntil: WaitUntil,
): RefusedRequest | null {
  if (isDecidedByAccount(limits)) return accountClient.heldRefusal(keyId, null, limits, nowMs)
  const refused = limiter.refuseAny(keyId, limits, nowMs, waitUntil)
  return refused === null ? null : { outcome: 'refused', refusal: refusalOf(refused), status: refused.state }
}

/** Decides on a request, and reserves its expected cost. It answers at once where the isolate decides alone. */
export function admit(
  request: RequestToAdmit,
  parts: AdmissionParts,
  clock: () => number,
  waitUntil: WaitUntil,
): Admission | Promise<Admission> {
  const { groupId, limits } = request
  const isOfAccount = isDecidedByAccount(limits)
  if (groupId !== undefined) {
    return admitWithGroup({ ...request, groupId }, isOfAccount, parts, clock, waitUntil)
  }
  return isOfAccount
    ? admitByAccount(request, parts, clock, waitUntil)
    : admitHere(request, parts, clock, waitUntil)
}

function admitHere(
  request: RequestToAdmit,
  parts: AdmissionParts,
  clock: () => number,
  waitUntil: WaitUntil,
): Admission {
  const { keyId, limits } = request
  const tokens = needsUsage(limits, undefined) ? reservedTokens(request, parts) : 0
  const place = placeHere(keyId, limits, tokens, clock(), parts, waitUntil)
  return place.outcome === 'refused' ? place : admittedTo(place, null, request, parts, clock, waitUntil)
}
