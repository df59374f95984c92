/**
 * Admits a request, and books its end. Its key's account decides where a limit must be exact. For other keys the isolate
 * decides from memory, and nothing is awaited. This file knows no HTTP: the stage renders the decision.
 */
import type { Limiter, Refused, Reservation, WaitUntil } from '../limits/decision.ts'
import type { Limits } from '../limits/limits.ts'
import type { Model } from '../models/model.ts'
import type { AccountDecision } from './account-view.ts'
import type { AccountClient } from './client.ts'
import { expectedUsage } from './expected-usage.ts'
import type { AccountStatus, BookedUsage, Refusal, SettlementEntry } from './protocol.ts'
import { type End, type Ending, endingOf, RELEASED } from './request-end.ts'
import { type Tags, tagsText } from './tags.ts'
import type { UsageMeans } from './usage-means.ts'
import { type Asked, worstCaseMicroUsd } from './worst-case.ts'

/** The parts of an isolate that decide on a request and count it. */
export interface AdmissionParts {
  limiter: Limiter
  means: UsageMeans
  accountClient: AccountClient
}

/** The facts of a request that the limits and the budget are applied to. */
export interface RequestToAdmit {
  requestId: string
  keyId: string
  secretSha256: string
  /** The key's limits by its copy, and the defaults where it has none. */
  limits: Limits
  defaultLimits: Limits
  /** The models that may serve it, in the order in which they are tried. */
  models: readonly [Model, ...Model[]]
  asked: Asked
  tags?: Tags | undefined
  /** Estimates the prompt. It is called only where a limit needs the estimate: a long prompt takes time. */
  promptTokens: () => number
  /** The AI Gateway whose log has the true usage; `null` where no log is kept. */
  logGatewayId: string | null
}

/** Books the end of a request. Only the first call counts. */
export type Settle = (end: End) => void

/** A failed attempt of a model that another one was tried after. Times are ms since 1970. */
export interface AttemptEnd extends Pick<End, 'model' | 'isCharged' | 'status' | 'reason'> {
  startedAtMs: number
  endedAtMs: number
}

/** Books an attempt beside its request. */
export type SettleAttempt = (attempt: AttemptEnd) => void

export type Admission =
  | { outcome: 'admitted'; status: AccountStatus; settle: Settle; settleAttempt: SettleAttempt }
  | { outcome: 'refused'; refusal: Refusal; status: AccountStatus }
  | Extract<AccountDecision, { outcome: 'revoked' | 'unavailable' }>

/** Whether the key's limits need the usage of each answer as soon as the answer ends. */
export function needsUsage({ tokensPerMinute, budget }: Limits): boolean {
  return tokensPerMinute !== undefined || budget !== undefined
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
export type LimitedKey = Pick<RequestToAdmit, 'keyId' | 'limits'>

/** The refusal that any request of the key gets now, however small; `null` where the request itself decides. */
export function refuseAny(
  { keyId, limits }: LimitedKey,
  { accountClient, limiter }: AdmissionParts,
  nowMs: number,
  waitUntil: WaitUntil,
): Pick<Extract<Admission, { outcome: 'refused' }>, 'refusal' | 'status'> | null {
  if (isDecidedByAccount(limits)) return accountClient.refuseAny(keyId, limits, nowMs)
  const refused = limiter.refuseAny(keyId, limits, nowMs, waitUntil)
  return refused === null ? null : { refusal: refusalOf(refused), status: refused.state }
}

/** Decides on a request, and reserves its expected cost. It answers at once where the isolate decides. */
export function admit(
  request: RequestToAdmit,
  parts: AdmissionParts,
  clock: () => number,
  waitUntil: WaitUntil,
): Admission | Promise<Admission> {
  return isDecidedByAccount(request.limits)
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
  const tokens = needsUsage(limits) ? reservedTokens(request, parts) : 0
  const admittedAtMs = clock()
  const decision = checkHere(request, parts, tokens, admittedAtMs, waitUntil)
  if (decision.outcome === 'refused') return decision
  const settle = once((end) => {
    const endedAtMs = clock()
    const entry = {
      ...identityOf(request, end.model, admittedAtMs, 'isolate'),
      ...endingOf(request, parts.means, end, { admittedAtMs, endedAtMs }),
    }
    settleTokens(parts, decision.reservation, entry.booked, endedAtMs)
    parts.accountClient.book(keyId, entry, endedAtMs, waitUntil, { atOnce: false })
  })
  const settleAttempt = attemptSettler(request, parts, waitUntil)
  return { outcome: 'admitted', status: decision.status, settle, settleAttempt }
}

async function admitByAccount(
  request: RequestToAdmit,
  parts: AdmissionParts,
  clock: () => number,
  waitUntil: WaitUntil,
): Promise<Admission> {
  const { requestId, keyId, secretSha256, limits, defaultLimits, models, asked } = request
  const [model] = models
  const { accountClient, means } = parts
  const tokens = reservedTokens(request, parts)
  const habits = { ...means.habits(keyId, model.id), reasoningTokens: 0 }
  const mean = { seenTokens: means.reserve(keyId, asked.tokenCap, asked.choices), elapsedMs: 0 }
  const question = {
    requestId,
    model: model.id,
    tags: request.tags && tagsText(request.tags),
    worstMicroUsd: Math.max(...models.map((each) => worstCaseMicroUsd(asked, each))),
    expected: expectedUsage(asked, mean, habits, model),
    tokens,
    secretSha256,
    defaultLimits,
  }
  const admittedAtMs = clock()
  const decision = await accountClient.admit(keyId, question, limits, admittedAtMs, waitUntil)
  if (decision.outcome !== 'admitted') return decision
  const bookAtOnce = (entry: Ending, served: Model): void => {
    const settlement = { ...identityOf(request, served, admittedAtMs, 'account'), ...entry }
    accountClient.book(keyId, settlement, clock(), waitUntil, { atOnce: true })
  }
  // Without its account the limits of a minute hold as they do for other keys.
  const local = decision.by === 'isolate' ? checkHere(request, parts, tokens, clock(), waitUntil) : null
  if (local?.outcome === 'refused') {
    bookAtOnce(RELEASED, model)
    return local
  }
  const endLease = accountClient.keepLease(keyId, requestId)
  const settle = once((end) => {
    endLease()
    const endedAtMs = clock()
    const entry = endingOf(request, parts.means, end, { admittedAtMs, endedAtMs })
    if (local !== null) settleTokens(parts, local.reservation, entry.booked, endedAtMs)
    bookAtOnce(entry, end.model)
  })
  const settleAttempt = attemptSettler(request, parts, waitUntil)
  return { outcome: 'admitted', status: { ...local?.status, ...decision.status }, settle, settleAttempt }
}

/** Attempts have ids of their own, since an account books each id once. */
function attemptSettler(
  request: RequestToAdmit,
  { means, accountClient }: AdmissionParts,
  waitUntil: WaitUntil,
): SettleAttempt {
  let attempts = 0
  return ({ startedAtMs, endedAtMs, ...attempt }) => {
    attempts += 1
    const end = { ...attempt, usage: null, failed: true, seenTokens: 0, answer: null, firstOutputAtMs: null }
    const entry = {
      ...identityOf(request, attempt.model, startedAtMs, 'isolate'),
      requestId: `${request.requestId}.${attempts}`,
      isAttempt: true as const,
      ...endingOf(request, means, end, { admittedAtMs: startedAtMs, endedAtMs }),
    }
    accountClient.book(request.keyId, entry, endedAtMs, waitUntil, { atOnce: false })
  }
}

/** Applies the limits of a minute as this isolate knows them. */
function checkHere(
  { keyId, limits }: RequestToAdmit,
  { limiter }: AdmissionParts,
  tokens: number,
  nowMs: number,
  waitUntil: WaitUntil,
):
  | { outcome: 'admitted'; reservation: Reservation; status: AccountStatus }
  | Extract<Admission, { outcome: 'refused' }> {
  const decision = limiter.check(keyId, limits, { requests: 1, tokens }, nowMs, waitUntil)
  const { state: status } = decision
  if (decision.admitted) return { outcome: 'admitted', reservation: decision.reservation, status }
  if (decision.reason !== 'tokens_too_large')
    return { outcome: 'refused', refusal: refusalOf(decision), status }
  const { reason, limit, requestedTokens: used } = decision
  return {
    outcome: 'refused',
    refusal: { reason, limit, used, retryAfterMs: null, refusedUntilMs: 0 },
    status,
  }
}

function refusalOf({ reason, limit, used, retryAfterMs }: Refused): Refusal {
  return { reason, limit, used, retryAfterMs, refusedUntilMs: 0 }
}

function settleTokens(
  { limiter }: AdmissionParts,
  reservation: Reservation,
  booked: BookedUsage,
  nowMs: number,
): void {
  limiter.settle(reservation, booked.promptTokens + booked.completionTokens, nowMs)
}

function reservedTokens({ keyId, asked, promptTokens }: RequestToAdmit, { means }: AdmissionParts): number {
  return promptTokens() + means.reserve(keyId, asked.tokenCap, asked.choices)
}

function identityOf(
  { requestId, tags }: RequestToAdmit,
  model: Model,
  admittedAtMs: number,
  admittedBy: SettlementEntry['admittedBy'],
): Omit<SettlementEntry, keyof Ending> {
  return { requestId, model: model.id, tags: tags && tagsText(tags), admittedAtMs, admittedBy }
}

function once(settle: Settle): Settle {
  let isSettled = false
  return (end) => {
    if (isSettled) return
    isSettled = true
    settle(end)
  }
}
