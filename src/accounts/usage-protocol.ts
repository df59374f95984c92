/** The messages about usage: what isolates ask of an account, and what accounts report to the directory. All are plain data. */
import type { Limits } from '../limits/limits.ts'
import type { AccountStatus, BookedUsage } from './protocol.ts'
import type { RequestTimes } from './request-times.ts'

/** A question to an account about its usage. */
export interface UsageQuestion {
  /** UTC dates, both included. */
  fromDate: string
  toDate: string
  defaultLimits: Limits
}

/** The usage of a key, and where its limits stand. */
export interface KeyUsage {
  kind: 'usage'
  /** The name of the key or the group. */
  name: string
  /** The account's time of the answer, ms since 1970. */
  atMs: number
  /** The key's own limits, and the defaults where it has none. */
  limits: Limits
  status: AccountStatus
  /** The rows of the range, by date and model. */
  rows: UsageRow[]
  /** The sums of the range by combination of tags, the dearest ones first. */
  tags: TaggedTotals[]
  /** The time of the deletion; `null` for a key that exists. */
  deletedAt: string | null
}

/** Totals of a key, a day, a model and a combination of tags. Corrections can lower a number. */
export interface UsageTotals extends BookedUsage {
  /** Requests that reached the model. */
  requests: number
  failures: number
  /** Requests that limits or the budget refused. They are booked without a model, as `NO_MODEL`. */
  refused: number
  /** Requests whose usage is still asked for. */
  pending: number
  /** Requests whose usage stays estimated. */
  estimated: number
  /** The part of the cost that is not exact: of pending and of estimated requests. */
  estimatedMicroUsd: number
}

export interface UsageRow extends UsageTotals {
  /** The UTC date. */
  date: string
  model: string
  /** As `tagsText` writes them. Absent for requests without tags, and in rows of an earlier version. */
  tags?: string | undefined
  /** Absent in rows of an earlier version, and where no request has ended. */
  times?: RequestTimes | undefined
}

/** The sums of the requests with the same tags. */
export interface TaggedTotals extends UsageTotals {
  /** As `tagsText` writes them. */
  tags: string
}

/** The report of an account to the directory: the totals that have changed, as they are now. */
export interface UsageReport {
  keyId: string
  /** Grows with each change of the key's totals. */
  revision: number
  rows: UsageRow[]
}
