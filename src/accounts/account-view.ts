/**
 * An isolate's knowledge of one key's account: its last reply, a refusal that still holds, and an outage while it does not
 * answer. No clock, no I/O.
 */
import type { Limits } from '../limits/limits.ts'
import { type LastReply, type LocalLimits, Outage, OUTAGE_RETRY_AFTER_MS } from './outage.ts'
import type { AccountAnswer, AccountStatus, AdmissionRequest, Refusal, Revoked } from './protocol.ts'

/** A refusal is believed for so long at most, ms: the operator may raise a limit, and a correction may free money. */
export const REFUSAL_BELIEVED_MAX_MS = 60_000
/**
 * The same for a group, ms. No copy tells an isolate that the operator has raised a limit of a group. And a request that its key
 * refuses has a place of the group for a moment, which may be all that a refused request lacked.
 */
export const GROUP_REFUSAL_BELIEVED_MAX_MS = 5_000

/** `by` says who decided: `isolate` in an outage, or where a refusal of the account still holds. */
export type AccountDecision =
  | { outcome: 'admitted'; by: 'account'; status: AccountStatus }
  /** `limits` are those that the isolate has gone by. The limits of a minute are still to be applied. */
  | { outcome: 'admitted'; by: 'isolate'; status: AccountStatus; limits: LocalLimits }
  /** `limits` are the account's own where it has said them. */
  | {
      outcome: 'refused'
      by: 'account' | 'isolate'
      refusal: Refusal
      status: AccountStatus
      limits?: Limits
    }
  | { outcome: 'revoked'; reading: Revoked['reading'] }
  /** The account does not answer, and money must not be spent without it. */
  | { outcome: 'unavailable'; retryAfterMs: number }

/** A refusal, by the account or by one of its refusals that still holds. */
export type Refused = Extract<AccountDecision, { outcome: 'refused' }>

interface HeldRefusal {
  readonly refused: Refused
  readonly request: AdmissionRequest
  /** The limits in the key's copy at the time, as JSON. Others make the refusal void. */
  readonly limits: string
  readonly atMs: number
  readonly untilMs: number
}

export class AccountView {
  #last: LastReply | null = null
  /** Requests that ended here since the last reply. */
  #ended = 0
  #held: HeldRefusal | null = null
  #outage: Outage | null = null

  /** The refusal that still holds for such a request, or for any request with `null`. */
  heldRefusal(request: AdmissionRequest | null, limits: LocalLimits | null, nowMs: number): Refused | null {
    const held = this.#held
    if (held === null || nowMs < held.atMs || nowMs >= held.untilMs) return null
    if (!isLike(request, held) || JSON.stringify(limits) !== held.limits) return null
    const { refusal } = held.refused
    const retryAfterMs =
      refusal.retryAfterMs === null ? null : Math.max(1, refusal.retryAfterMs - (nowMs - held.atMs))
    return { ...held.refused, by: 'isolate', refusal: { ...refusal, retryAfterMs } }
  }

  /** Whether a request calls the account: always, but in an outage only once in a while. */
  isCallDue(nowMs: number): boolean {
    return this.#outage === null || this.#outage.isCallDue(nowMs)
  }

  noteCall(nowMs: number): void {
    this.#outage?.noteCall(nowMs)
  }

  /** An answer ends an outage. */
  noteAnswer(
    answer: AccountAnswer,
    request: AdmissionRequest,
    limits: LocalLimits | null,
    nowMs: number,
  ): AccountDecision {
    this.#outage = null
    if ('revoked' in answer) {
      this.#last = null
      return { outcome: 'revoked', reading: answer.reading }
    }
    this.#last = { status: answer.status, atMs: nowMs }
    this.#ended = 0
    if (answer.admitted) return { outcome: 'admitted', by: 'account', status: answer.status }
    const { refusal, status, limits: ownLimits } = answer
    const refused: Refused = { outcome: 'refused', by: 'account', refusal, status, limits: ownLimits }
    const believedMaxMs = limits === null ? GROUP_REFUSAL_BELIEVED_MAX_MS : REFUSAL_BELIEVED_MAX_MS
    const untilMs = Math.min(refusal.refusedUntilMs, nowMs + believedMaxMs)
    if (untilMs > nowMs) {
      this.#held = { refused, request, limits: JSON.stringify(limits), atMs: nowMs, untilMs }
    }
    return refused
  }

  /** Tells whether an outage begins with this failure. */
  noteFailure(nowMs: number): boolean {
    if (this.#outage !== null) return false
    this.#outage = new Outage(this.#last, this.#ended, nowMs)
    return true
  }

  /** A request that had a place has ended. */
  noteEnd(): void {
    this.#ended += 1
    this.#outage?.noteEnd()
  }

  /** Decides without the account. It is called in an outage only. With `null` the last reply says which limits there are. */
  admitLocally(request: AdmissionRequest, limits: LocalLimits | null, nowMs: number): AccountDecision {
    this.#outage ??= new Outage(this.#last, this.#ended, nowMs)
    const known = limits ?? this.#outage.limits
    // An account that this isolate has never heard may have a budget.
    if (known === null) return { outcome: 'unavailable', retryAfterMs: OUTAGE_RETRY_AFTER_MS }
    const decision = this.#outage.admit(request, known, nowMs)
    switch (decision.outcome) {
      case 'admitted':
        return { ...decision, by: 'isolate', limits: known }
      case 'refused':
        return { ...decision, by: 'isolate' }
      case 'unavailable':
        return decision
    }
  }
}

/** Whether a refusal speaks of this request too. A smaller request may fit where a larger one did not. */
function isLike(request: AdmissionRequest | null, { refused, request: other }: HeldRefusal): boolean {
  switch (refused.refusal.reason) {
    case 'tokens':
    case 'tokens_too_large':
      return request !== null && request.tokens >= other.tokens
    case 'budget_under_way':
      return request !== null && request.worstMicroUsd >= other.worstMicroUsd
    case 'requests':
    case 'requests_per_day':
    case 'concurrent_requests':
    case 'budget_spent':
      return true
  }
}
