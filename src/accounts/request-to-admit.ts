/** A request that wants to be admitted, what is decided on it, and how its end is booked. */
import type { Limiter } from '../limits/decision.ts'
import type { Limits } from '../limits/limits.ts'
import type { Model } from '../models/model.ts'
import type { AccountDecision } from './account-view.ts'
import type { AccountClient } from './client.ts'
import type { AccountStatus, Refusal } from './protocol.ts'
import type { End } from './request-end.ts'
import type { Tags } from './tags.ts'
import type { UsageMeans } from './usage-means.ts'
import type { Asked } from './worst-case.ts'

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
  /** The group whose limits hold too; `undefined` for a key without a group. */
  groupId?: string | undefined
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
  | RefusedRequest
  | Extract<AccountDecision, { outcome: 'revoked' | 'unavailable' }>
  /** The key's group was deleted, or has never existed. */
  | { outcome: 'group_gone' }

/** `status` is that of the key or of its group, whichever has refused. */
export interface RefusedRequest {
  outcome: 'refused'
  refusal: Refusal
  status: AccountStatus
}
