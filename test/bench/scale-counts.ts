/** What the counted gateway is asked for, and what it answers. */
import type { Limits } from '../../src/limits/limits.ts'

/** What all calls of one method took. */
export interface CallCount {
  calls: number
  /** Wall-clock time, ms. Calls at the same time are counted twice. */
  wallMs: number
  rowsRead: number
  /** Each setting of an alarm is one of them, as it is billed. */
  rowsWritten: number
  /** Settlements of a batch. */
  entries: number
}

/** By class and method, such as `KeyAccount.settle`. */
export type CallCounts = Record<string, CallCount>

export interface NewKeys {
  count: number
  limits: Limits
}

/** Keys of a directory, and their usage of today. */
export interface Filling {
  /** The number of the first key, and how many there are. */
  first: number
  count: number
  /** Of each key's report. */
  revision: number
  /** Earlier days that get a copy of today's usage of all keys. */
  copiedDays: number
}
