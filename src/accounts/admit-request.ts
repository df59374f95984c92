/**
 * Admits a request, and books its end. Its key's account decides where a limit must be exact. For other keys the isolate
 * decides from memory, and nothing is awaited. This file knows no HTTP: the stage renders the decision.
 */
import type { FleetShareLimiter } from '../limits/limiter.ts'
import type { Reservation, WaitUntil } from '../limits/decision.ts'
import type { Limits } from '../limits/limits.ts'
import type { Model } from '../models/model.ts'
import type { AnswerFacts } from '../upstream/answer-facts.ts'
import type { Usage } from '../wire/usage.ts'
import type { AccountDecision } from './account-view.ts'
import type { AccountClient } from './client.ts'
import { bookedUsage } from './booked-usage.ts'
import { expectedUsage } from './expected-usage.ts'
import type { AccountStatus, BookedUsage, Refusal, SettlementEntry } from './protocol.ts'
import type { UsageMeans } from './usage-means.ts'
import { type Asked, worstCaseMicroUsd } from './worst-case.ts'

/** The parts of an isolate that decide on a request and count it. */
export interface AdmissionParts {
  limiter: FleetShareLimiter
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
  model: Model
  asked: Asked
  /** Estimates the prompt. It is called only where a limit needs the estimate: a long prompt takes time. */
  promptTokens: () => number
  /** The AI Gateway whose log has the true usage; `null` where no log is kept. */
  logGatewayId: string | null
}

/** The end of a request. */
export interface End {
  /** The usage as the upstream reported it; `null` where it is not known. */
  usage: Usage | null
  /** Whether the upstream failed, before its answer or within it. */
  failed: boolean
  /** Whether the model may have worked. Without a usage, such a request costs what is expected of it, and others nothing. */
  isCharged: boolean
  /** Completion tokens that were seen of the answer. */
  seenTokens: number
  /** What AI Gateway says of the answer; `null` where there was none. */
  answer: AnswerFacts | null
}

/** Books the end of a request. Only the first call counts. */
export type Settle = (end: End) => void

export type Admission =
  | { outcome: 'admitted'; status: AccountStatus; settle: Settle }
  | { outcome: 'refused'; refusal: Refusal; status: AccountStatus }
  | Extract<AccountDecision, { outcome: 'revoked' | 'unavailable' }>

type Entry = Omit<SettlementEntry, 'requestId' | 'model' | 'admittedAtMs'>

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
    const entry = {
      ...identityOf(request, admittedAtMs),
      ...entryOf(request, parts, end, clock() - admittedAtMs),
    }
    settleTokens(parts, decision.reservation, entry.booked, clock())
    parts.accountClient.book(keyId, entry, clock(), waitUntil, { atOnce: false })
  })
  return { outcome: 'admitted', status: decision.status, settle }
}

async function admitByAccount(
  request: RequestToAdmit,
  parts: AdmissionParts,
  clock: () => number,
  waitUntil: WaitUntil,
): Promise<Admission> {
  const { requestId, keyId, secretSha256, limits, defaultLimits, model, asked } = request
  const { accountClient, means } = parts
  const tokens = reservedTokens(request, parts)
  const habits = { ...means.habits(keyId, model.id), reasoningTokens: 0 }
  const mean = { seenTokens: means.reserve(keyId, asked.tokenCap, asked.choices), elapsedMs: 0 }
  const question = {
    requestId,
    model: model.id,
    worstMicroUsd: worstCaseMicroUsd(asked, model),
    expected: expectedUsage(asked, mean, habits, model),
    tokens,
    secretSha256,
    defaultLimits,
  }
  const admittedAtMs = clock()
  const decision = await accountClient.admit(keyId, question, limits, admittedAtMs, waitUntil)
  if (decision.outcome !== 'admitted') return decision
  const bookAtOnce = (entry: Entry): void => {
    const settlement = { ...identityOf(request, admittedAtMs), ...entry }
    accountClient.book(keyId, settlement, clock(), waitUntil, { atOnce: true })
  }
  // Without its account the limits of a minute hold as they do for other keys.
  const local = decision.by === 'isolate' ? checkHere(request, parts, tokens, clock(), waitUntil) : null
  if (local?.outcome === 'refused') {
    bookAtOnce({ failed: false, booked: NOTHING_BOOKED, certainty: 'exact', released: true })
    return local
  }
  const endLease = accountClient.keepLease(keyId, requestId)
  const settle = once((end) => {
    endLease()
    const entry = entryOf(request, parts, end, clock() - admittedAtMs)
    if (local !== null) settleTokens(parts, local.reservation, entry.booked, clock())
    bookAtOnce(entry)
  })
  return { outcome: 'admitted', status: { ...local?.status, ...decision.status }, settle }
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
  const { reason, limit } = decision
  const refusal: Refusal =
    decision.reason === 'tokens_too_large'
      ? { reason, limit, used: decision.requestedTokens, retryAfterMs: null, refusedUntilMs: 0 }
      : { reason, limit, used: decision.used, retryAfterMs: decision.retryAfterMs, refusedUntilMs: 0 }
  return { outcome: 'refused', refusal, status }
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

function identityOf({ requestId, model }: RequestToAdmit, admittedAtMs: number) {
  return { requestId, model: model.id, admittedAtMs }
}

const NOTHING_BOOKED: BookedUsage = {
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  costMicroUsd: 0,
}

/** What is booked for an end: the upstream's usage, else what is expected of a request that the model has worked on. */
function entryOf(
  { keyId, model, asked, logGatewayId }: RequestToAdmit,
  { means }: AdmissionParts,
  { usage, failed, isCharged, seenTokens, answer }: End,
  elapsedMs: number,
): Entry {
  const isCacheHit = answer?.cacheStatus === 'HIT'
  const costIn = (costMicroUsd: number): number => (isCacheHit ? 0 : costMicroUsd)
  if (usage !== null) {
    if (!isCacheHit) {
      means.learn(keyId, model.id, usage, { choices: asked.choices, elapsedMs })
    }
    return { failed, booked: bookedUsage(usage, isCacheHit ? null : model.prices), certainty: 'exact' }
  }
  if (!isCharged) return { failed, booked: NOTHING_BOOKED, certainty: 'exact' }
  const expected = expectedUsage(asked, { seenTokens, elapsedMs }, means.habits(keyId, model.id), model)
  const booked = { ...expected, costMicroUsd: costIn(expected.costMicroUsd) }
  const logId = answer?.logId ?? null
  if (logId === null || logGatewayId === null) return { failed, booked, certainty: 'estimated' }
  const log = { gatewayId: logGatewayId, logId, prices: model.prices }
  return { failed, booked, certainty: 'pending', log }
}

function once(settle: Settle): Settle {
  let isSettled = false
  return (end) => {
    if (isSettled) return
    isSettled = true
    settle(end)
  }
}
