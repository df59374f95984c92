/** The settlements of one key that its account has not confirmed, and when the next batch may be sent. No clock, no I/O. */
import type { SettlementBatch, SettlementEntry } from './protocol.ts'
import { RefusalTally } from './refusal-tally.ts'
import type { RefusedRecord } from './request-record.ts'

/** Least time between the starts of two batches, ms: four a second. Settlements of admitted requests do not wait for it. */
export const BATCH_SPACING_MS = 250
/** Settlements in one batch, about 400 bytes each. */
export const BATCH_ENTRIES_MAX = 500
/** Settlements that wait for one key. Beyond it new ones are dropped, and the log says so. */
export const WAITING_MAX = 10_000
/** A call that takes longer has failed, ms. */
export const SETTLE_TIMEOUT_MS = 5_000
/** The pause after the first failure, ms. It doubles with each further failure in a row. */
export const RETRY_PAUSE_FIRST_MS = 500
/** The longest pause after failures, ms. */
export const RETRY_PAUSE_MAX_MS = 8_000
/** A batch that is so long overdue has no flusher any more, ms. */
export const STALLED_MS = 1_000

/**
 * Least time between two reports of refusals that no settlement takes along, ms. It doubles with each report of a flood, since a
 * report costs three rows, and a key that gets nothing must cost next to nothing.
 */
export const REPORT_SPACING_MS = 1_000
/** The longest time between two reports in a flood, ms. */
export const REPORT_SPACING_MAX_MS = 320_000
/** A flood is over once no report was due for so long, ms. */
export const REPORT_QUIET_MS = 60_000
/** The flushers that began in one second. They flush all settlements up to `lastAdded`. */
export interface FlushWindow {
  readonly sinceMs: number
  flushers: number
  /** The number of the last settlement that was added in this second. */
  lastAdded: number
}

/**
 * A call belongs to the request that made it, and the runtime may end that request. So nothing here waits for a call: when
 * its time is over, another request sends the same batch again.
 */
export class SettlementQueue {
  readonly keyId: string
  readonly #writerId: string
  /** Counts settlements from 1: how many were added, and how many of them the account has. */
  #added = 0
  #confirmed = 0
  /** The number of the last settlement that must be sent at once. */
  #lastUrgent = 0
  #waiting: SettlementEntry[] = []
  /** It counts as one settlement, whatever number of refusals it has. */
  #refusals: RefusalTally | null = null
  #batch: SettlementBatch | null = null
  #batchNumber = 0
  #attempt = 0
  #callUntilMs = -Infinity
  #pauseUntilMs = -Infinity
  #spacedUntilMs = -Infinity
  #reportSpacedUntilMs = -Infinity
  #reportSpacingMs = REPORT_SPACING_MS
  #failures = 0
  #flushWindow: FlushWindow = { sinceMs: -Infinity, flushers: 0, lastAdded: 0 }
  /** Whether a settlement was dropped since the queue was last empty. */
  hasDropped = false

  constructor(keyId: string, writerId: string) {
    this.keyId = keyId
    this.#writerId = writerId
  }

  get confirmed(): number {
    return this.#confirmed
  }

  /** Settlements that the account has not confirmed. */
  get unconfirmed(): number {
    return this.#added - this.#confirmed
  }

  get isUrgent(): boolean {
    return this.#lastUrgent > this.#confirmed
  }

  add(entry: SettlementEntry, isUrgent: boolean): void {
    this.#waiting.push(entry)
    this.#added += 1
    if (isUrgent) this.#lastUrgent = this.#added
  }

  /** Adds to the report that waits. Returns whether it begins one. */
  addRefusal(refused: RefusedRecord): boolean {
    const begins = this.#refusals === null
    this.#refusals ??= new RefusalTally()
    this.#refusals.add(refused)
    if (begins) this.#added += 1
    return begins
  }

  /** The flush window of this second, extended to all that was added. A clock that steps back begins a new window. */
  extendFlushWindow(nowMs: number, watchMs: number): FlushWindow {
    const { sinceMs } = this.#flushWindow
    if (nowMs - sinceMs >= watchMs || nowMs < sinceMs) {
      this.#flushWindow = { sinceMs: nowMs, flushers: 0, lastAdded: 0 }
    }
    this.#flushWindow.lastAdded = this.#added
    return this.#flushWindow
  }

  /** Ms until the next batch may be sent: 0 for now, `Infinity` where nothing waits. */
  waitMs(nowMs: number): number {
    if (this.unconfirmed === 0) return Infinity
    const waitMs = Math.max(0, this.#dueAtMs() - nowMs)
    // No wait is that long, so the clock has stepped back.
    return waitMs > REPORT_SPACING_MAX_MS ? 0 : waitMs
  }

  /** Whether a batch is overdue, so that no flusher sends it. */
  isStalled(nowMs: number): boolean {
    return this.unconfirmed > 0 && nowMs - this.#dueAtMs() >= STALLED_MS
  }

  /** Begins a call: with the unconfirmed batch as it was, else with a new one. The attempt is shown when the call ends. */
  begin(nowMs: number): { batch: SettlementBatch; attempt: number } {
    if (this.#batch === null) {
      this.#batchNumber += 1
      const entries = this.#waiting.splice(0, BATCH_ENTRIES_MAX)
      this.#batch = { writerId: this.#writerId, number: this.#batchNumber, entries }
      if (this.#refusals !== null) {
        this.#batch.refusals = this.#refusals.report
        this.#refusals = null
        const isFlood = entries.length === 0 && nowMs - this.#reportSpacedUntilMs < REPORT_QUIET_MS
        this.#reportSpacingMs = isFlood
          ? Math.min(REPORT_SPACING_MAX_MS, 2 * this.#reportSpacingMs)
          : REPORT_SPACING_MS
        this.#reportSpacedUntilMs = nowMs + this.#reportSpacingMs
      }
    }
    this.#callUntilMs = nowMs + SETTLE_TIMEOUT_MS
    this.#spacedUntilMs = nowMs + BATCH_SPACING_MS
    this.#attempt += 1
    return { batch: this.#batch, attempt: this.#attempt }
  }

  /** Ends a call that the account has answered. Returns how many settlements it has confirmed. */
  succeed(attempt: number): number {
    if (attempt !== this.#attempt || this.#batch === null) return 0
    const confirmed = this.#batch.entries.length + (this.#batch.refusals === undefined ? 0 : 1)
    this.#confirmed += confirmed
    this.#batch = null
    this.#callUntilMs = -Infinity
    this.#failures = 0
    if (this.unconfirmed === 0) this.hasDropped = false
    return confirmed
  }

  /** Ends a call without an answer. Returns the number of failures in a row, or 0 if another call has replaced it. */
  fail(attempt: number, nowMs: number): number {
    if (attempt !== this.#attempt) return 0
    this.#callUntilMs = -Infinity
    this.#pauseUntilMs = nowMs + Math.min(RETRY_PAUSE_MAX_MS, RETRY_PAUSE_FIRST_MS * 2 ** this.#failures)
    this.#failures += 1
    return this.#failures
  }

  #dueAtMs(): number {
    const freeAtMs = Math.max(this.#callUntilMs, this.#failures > 0 ? this.#pauseUntilMs : -Infinity)
    if (this.isUrgent) return freeAtMs
    const isReportAlone = this.#batch === null && this.#waiting.length === 0
    return Math.max(freeAtMs, this.#spacedUntilMs, isReportAlone ? this.#reportSpacedUntilMs : -Infinity)
  }
}
