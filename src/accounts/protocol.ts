/** The messages between isolates and a key's account about money and exact limits. All of them are plain data. */
import type { KeyReading } from '../keys/api-key.ts'
import type { Period } from '../calendar.ts'
import type { Limits } from '../limits/limits.ts'
import type { LimitStatus } from '../limits/fleet-share.ts'
import type { Prices } from '../models/prices.ts'
import type { Usage } from '../wire/usage.ts'
import type { RefusedRecord } from './request-record.ts'

/** A request that wants to be admitted by its key's account. */
export interface AdmissionRequest {
  requestId: string
  /** The public name of the model. */
  model: string
  /** As `tagsText` writes them. A request without tags does not have the field. */
  tags?: string | undefined
  /** The most that the request can cost, micro-dollars, at least 1. */
  worstMicroUsd: number
  /** The usage to book, as estimated, if the request's lease expires without a settlement. */
  expected: BookedUsage
  /** Reserved tokens: the prompt's estimate and the completion's, a whole number. */
  tokens: number
}

/** The call of an isolate: the request, and what the account needs to judge its key. */
export interface AccountRequest extends AdmissionRequest {
  /** The hash of the secret that the caller has shown. The account's record may be newer than the copy. `null` of a group. */
  secretSha256: string | null
  /** The gateway's defaults. A limit of the key's record stands above its default. */
  defaultLimits: Limits
}

/** Why an account refuses. */
export type RefusalReason =
  | 'requests'
  | 'tokens'
  | 'tokens_too_large'
  | 'requests_per_day'
  | 'concurrent_requests'
  | 'budget_spent'
  | 'budget_under_way'

export interface Refusal {
  reason: RefusalReason
  /** In the unit of the reason: requests, tokens or micro-dollars. */
  limit: number
  used: number
  /** Ms until a retry can succeed; `null` where waiting does not help, or only for longer than a client waits. */
  retryAfterMs: number | null
  /** The isolate refuses like requests until then without a call, ms since 1970; 0 for not at all. */
  refusedUntilMs: number
  /** For `budget_under_way`: requests of this worst case that fit beside each other into what is left. */
  fitting?: number
  /** Set by the isolate where the account is that of the key's group. */
  of?: 'group'
}

/** The status of each limit that is set, after the decision. */
export interface AccountStatus {
  requests?: LimitStatus
  tokens?: LimitStatus
  requestsPerDay?: LimitStatus
  concurrentRequests?: LimitStatus
  budget?: BudgetStatus
}

export interface BudgetStatus {
  limitMicroUsd: number
  period: Period
  /** Booked in the period. */
  bookedMicroUsd: number
  /** The worst cases of requests under way. */
  underWayMicroUsd: number
  leftMicroUsd: number
  /** Ms since 1970; `null` for a budget over the key's life. */
  renewsAtMs: number | null
}

/** The account's record is newer than the copy: the key was disabled, rotated or deleted, or has expired. */
export interface Revoked {
  revoked: true
  /** The record as it is now. */
  reading: KeyReading
}

/** The answer of an account to a request for admission. */
export type AccountAnswer = AdmissionReply | Revoked

export type AdmissionReply =
  | { admitted: true; status: AccountStatus; leaseUntilMs: number }
  | { admitted: false; refusal: Refusal; status: AccountStatus; limits: Limits }

/**
 * Tokens and their cost, as they are booked. Tokens written to the vendor's cache are priced when a request is booked, and
 * not stored: no report shows them, and the ledger's rows would need another field.
 */
export interface BookedUsage extends Omit<Usage, 'cacheWriteTokens' | 'serviceTier'> {
  costMicroUsd: number
}

/** The end of one request. */
export interface SettlementEntry {
  requestId: string
  model: string
  /** As in its admission. */
  tags?: string | undefined
  /** When the isolate admitted it, ms since 1970. It is booked on that UTC day. */
  admittedAtMs: number
  /** `isolate`: the account has never been asked, so it has no row of the request to look for. */
  admittedBy: 'account' | 'isolate'
  /** Whether the upstream failed the request. */
  failed: boolean
  booked: BookedUsage
  /** `exact`: the upstream's own usage. `pending`: expected, and the log can correct it. `estimated`: expected, for good. */
  certainty: 'exact' | 'pending' | 'estimated'
  /** With `pending`: where the account finds the true usage. */
  log?: { gatewayId: string; logId: string; prices: Prices }
  /** The request was never sent to the model: only its place is freed, and nothing is booked. */
  released?: true
  /** An attempt of a request that another model was tried after. It counts as a failure, and not as one more request. */
  isAttempt?: true | undefined
  /** For the account's memory of its last requests. It changes no sum. */
  end: RequestEnd
}

/** How a request ended, without any text of it. */
export interface RequestEnd {
  /** The HTTP status of the answer; 0 for a request that was released. A stream that broke off had begun with 200. */
  status: number
  /** Why it failed, in the words of the log; `null` for a request that did not fail. */
  reason: string | null
  /** Ms from its admission to the first output of a stream; `null` for other answers. */
  firstOutputMs: number | null
  /** Ms from its admission to its end. */
  durationMs: number
  /** The entry of AI Gateway's log; `null` where there is none. */
  logId: string | null
}

/** Settlements of one isolate for one key. A batch that is sent again has the same number and the same entries. */
export interface SettlementBatch {
  /** Names the sender's memory of this key: an isolate that has evicted the key and sees it again has another. */
  writerId: string
  /** 1 for a writer's first batch, growing by 1. */
  number: number
  entries: readonly SettlementEntry[]
  refusals?: RefusalReport
}

/** What an isolate has refused of a key since its last report. */
export interface RefusalReport {
  /** Refusals by limits and budget: how many in the minute of a time, ms since 1970. */
  limited: readonly { atMs: number; refused: number }[]
  /** The last ones, for whatever reason. */
  last: readonly RefusedRecord[]
}
