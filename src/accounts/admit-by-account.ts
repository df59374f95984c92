/** The admission by an account: the question to it, and the place that its answer gives. */
import type { WaitUntil } from '../limits/decision.ts'
import type { AccountDecision } from './account-view.ts'
import { expectedUsage } from './expected-usage.ts'
import { type Place, placeHere, release } from './place.ts'
import type { AccountRequest } from './protocol.ts'
import type { Admission, AdmissionParts, RefusedRequest, RequestToAdmit } from './request-to-admit.ts'
import { admittedTo } from './settle-request.ts'
import { tagsText } from './tags.ts'
import { worstCaseMicroUsd } from './worst-case.ts'

/** The answer of an account that does not admit the request. */
export type Obstacle = RefusedRequest | Exclude<AccountDecision, { outcome: 'admitted' | 'refused' }>

export async function admitByAccount(
  request: RequestToAdmit,
  parts: AdmissionParts,
  clock: () => number,
  waitUntil: WaitUntil,
): Promise<Admission> {
  const { keyId, limits } = request
  const question = questionOf(request, parts)
  const admittedAtMs = clock()
  const decision = await parts.accountClient.admit(keyId, question, limits, admittedAtMs, waitUntil)
  const asked = { ownerId: keyId, tokens: question.tokens, admittedAtMs }
  const place = placeOf(decision, asked, request, parts, clock, waitUntil)
  if (place.outcome !== 'admitted') return place
  return admittedTo(place, null, request, parts, clock, waitUntil)
}

/** The question to the account of the request's key. */
export function questionOf(request: RequestToAdmit, parts: AdmissionParts): AccountRequest {
  const { requestId, keyId, secretSha256, defaultLimits, models, asked, tags } = request
  const { means } = parts
  const [model] = models
  const habits = { ...means.habits(keyId, model.id), reasoningTokens: 0 }
  const mean = { seenTokens: means.reserve(keyId, asked.tokenCap, asked.choices), elapsedMs: 0 }
  return {
    requestId,
    model: model.id,
    tags: tags && tagsText(tags),
    worstMicroUsd: Math.max(...models.map((each) => worstCaseMicroUsd(asked, each))),
    expected: expectedUsage(asked, mean, habits, model),
    tokens: reservedTokens(request, parts),
    secretSha256,
    defaultLimits,
  }
}

/** The place with an account that has decided so. Without its account the limits of a minute hold as they do for other keys. */
export function placeOf(
  decision: AccountDecision,
  { ownerId, tokens, admittedAtMs }: { ownerId: string; tokens: number; admittedAtMs: number },
  request: RequestToAdmit,
  parts: AdmissionParts,
  clock: () => number,
  waitUntil: WaitUntil,
): Place | Obstacle {
  if (decision.outcome !== 'admitted') return decision
  const { outcome, status } = decision
  const place = { outcome, ownerId, admittedBy: 'account', admittedAtMs, reservation: null, status } as const
  if (decision.by === 'account') return place
  const here = placeHere(ownerId, decision.limits, tokens, clock(), parts, waitUntil)
  if (here.outcome === 'admitted') {
    return { ...place, reservation: here.reservation, status: { ...here.status, ...status } }
  }
  release(place, request, clock(), parts, waitUntil)
  return here
}

/** The prompt's estimate, and the completion that the key has had in the mean. */
export function reservedTokens(
  { keyId, asked, promptTokens }: RequestToAdmit,
  { means }: AdmissionParts,
): number {
  return promptTokens() + means.reserve(keyId, asked.tokenCap, asked.choices)
}
