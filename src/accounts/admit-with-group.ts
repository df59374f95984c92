/**
 * Admits a request of a key in a group. The group's account is asked at the same time as the key's, so the request waits for one
 * round trip. A place that only one of the two has given is released.
 */
import type { WaitUntil } from '../limits/decision.ts'
import { type Obstacle, placeOf, questionOf } from './admit-by-account.ts'
import type { AccountClient } from './client.ts'
import type { LocalLimits } from './outage.ts'
import { placeHere, release } from './place.ts'
import type { AccountRequest } from './protocol.ts'
import type { Admission, AdmissionParts, RefusedRequest, RequestToAdmit } from './request-to-admit.ts'
import { admittedTo } from './settle-request.ts'

/** A request of a key that has a group. */
export interface GroupedRequest extends RequestToAdmit {
  groupId: string
}

export async function admitWithGroup(
  request: GroupedRequest,
  isKeyOfAccount: boolean,
  parts: AdmissionParts,
  clock: () => number,
  waitUntil: WaitUntil,
): Promise<Admission> {
  const { keyId, groupId, limits } = request
  const { accountClient } = parts
  const question = questionOf(request, parts)
  const { tokens } = question
  const admittedAtMs = clock()
  // A refusal that still holds saves the other account a call.
  const held = isKeyOfAccount ? accountClient.heldRefusal(keyId, question, limits, admittedAtMs) : null
  if (held !== null) return held
  const heldOfGroup = groupRefusal(groupId, question, accountClient, admittedAtMs)
  if (heldOfGroup !== null) return heldOfGroup
  const here = isKeyOfAccount ? null : placeHere(keyId, limits, tokens, admittedAtMs, parts, waitUntil)
  if (here?.outcome === 'refused') return here
  const ask = async (ownerId: string, asked: AccountRequest, ownerLimits: LocalLimits | null) => {
    const decision = await accountClient.admit(ownerId, asked, ownerLimits, admittedAtMs, waitUntil)
    return placeOf(decision, { ownerId, tokens, admittedAtMs }, request, parts, clock, waitUntil)
  }
  const [ofKey, ofGroup] = await Promise.all([
    here ?? ask(keyId, question, limits),
    // A group has no secret, and the gateway's defaults are for keys.
    ask(groupId, { ...question, secretSha256: null, defaultLimits: {} }, null),
  ])
  if (ofKey.outcome !== 'admitted') {
    if (ofGroup.outcome === 'admitted') release(ofGroup, request, clock(), parts, waitUntil)
    return ofKey
  }
  if (ofGroup.outcome !== 'admitted') {
    release(ofKey, request, clock(), parts, waitUntil)
    return obstacleOfGroup(ofGroup)
  }
  return admittedTo(ofKey, ofGroup, request, parts, clock, waitUntil)
}

/** The refusal by the group that still holds for such a request, or for any request with `null`. */
export function groupRefusal(
  groupId: string,
  question: AccountRequest | null,
  accountClient: AccountClient,
  nowMs: number,
): RefusedRequest | null {
  const held = accountClient.heldRefusal(groupId, question, null, nowMs)
  return held === null ? null : refusedByGroup(held)
}

function obstacleOfGroup(obstacle: Obstacle): Admission {
  switch (obstacle.outcome) {
    case 'refused':
      return refusedByGroup(obstacle)
    case 'revoked':
      return { outcome: 'group_gone' }
    case 'unavailable':
      return obstacle
  }
}

function refusedByGroup({ refusal, status }: RefusedRequest): RefusedRequest {
  return { outcome: 'refused', refusal: { ...refusal, of: 'group' }, status }
}
