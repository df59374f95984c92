/** Starts one kind of background operation on one key (publish or list): never two at once, and a pause after a failure. */

/** An operation times out after this long, ms. The runtime ends `waitUntil` 30 s after the response too. */
export const OPERATION_TIMEOUT_MS = 30_000
/** The pause after a failure, ms. */
export const PAUSE_MIN_MS = 2_000
/**
 * Failures in a row that are each followed by the shortest pause. Each further failure doubles the pause. A pause that
 * doubled from the first failure would silence an isolate for a minute or more, a quarter of the time, where half of the
 * operations fail. Its peers would then take the isolate for ended.
 */
export const FAILURES_BEFORE_GROWTH = 4
/** The longest pause after a failure, ms. The free plan's quota can be spent for hours; this leaves one try in 5 minutes. */
export const PAUSE_MAX_MS = 300_000
/** Least time between the end of an operation and the next start, ms. KV refuses a second write to a key within 1 s. */
export const SPACING_MS = 1_000

/**
 * An operation belongs to the request that began it, and may never end after the runtime has ended that request. No other
 * request awaits the operation. Each request sees only when the last operation began, and fails it after the time-out.
 */
export class Backoff {
  #startedAtMs = -Infinity
  #running = false
  #attempt = 0
  #failures = 0
  #notBeforeMs = -Infinity

  /** Whether an operation may begin: none is running, and no pause is left. */
  isReady(nowMs: number): boolean {
    return !this.#running && nowMs >= this.#notBeforeMs
  }

  /** Whether the running operation has exceeded its time. The caller then calls `fail`. */
  isTimedOut(nowMs: number): boolean {
    return this.#running && nowMs - this.#startedAtMs >= OPERATION_TIMEOUT_MS
  }

  /** Begins an operation. Returns its attempt number, for `isCurrent`. */
  begin(nowMs: number): number {
    this.#startedAtMs = nowMs
    this.#running = true
    return ++this.#attempt
  }

  /** Whether the operation of this attempt is still running, and has not timed out. */
  isCurrent(attempt: number): boolean {
    return this.#running && attempt === this.#attempt
  }

  succeed(nowMs: number): void {
    this.#running = false
    this.#failures = 0
    this.#notBeforeMs = nowMs + SPACING_MS
  }

  /** Begins a pause. Returns its length, and the number of failures in a row. */
  fail(nowMs: number): { pauseMs: number; failures: number } {
    this.#running = false
    this.#failures += 1
    const doublings = Math.max(0, this.#failures - FAILURES_BEFORE_GROWTH)
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** doublings)
    this.#notBeforeMs = nowMs + pauseMs
    return { pauseMs, failures: this.#failures }
  }
}
