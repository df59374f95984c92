/** One kind of background operation on one key (to publish, or to collect): never two at once, and a pause after trouble. */

/** An operation not back after this long is given up, ms. The runtime ends `waitUntil` 30 s after the response too. */
export const OPERATION_MAX_MS = 30_000
/** The pause after a failure, ms. */
export const PAUSE_FIRST_MS = 2_000
/**
 * Failures in a row before the pause doubles with each further one. Doubled from the first on, a store that fails half of
 * the time would keep an isolate silent for a minute and more in a quarter of the time, and its peers would take it for gone.
 */
export const PAUSE_PATIENCE = 4
/** The longest pause after failures, ms. The free plan's quota can be spent for hours; then this is one try in 5 minutes. */
export const PAUSE_MAX_MS = 300_000
/** Least time between the end of an operation and the next start, ms. KV refuses a second write to a key within 1 s. */
export const SPACING_MS = 1_000

/**
 * An operation belongs to the request that began it: when that request's time is over, it may never come back. So nothing
 * here is awaited by another request: each sees only when the last operation began, and gives it up when it hangs.
 */
export class Backoff {
  #startedAtMs = -Infinity
  #running = false
  #ticket = 0
  #failures = 0
  #notBeforeMs = -Infinity

  isFree(nowMs: number): boolean {
    return !this.#running && nowMs >= this.#notBeforeMs
  }

  /** Whether the operation under way is to be given up, with `fail`. */
  isHanging(nowMs: number): boolean {
    return this.#running && nowMs - this.#startedAtMs >= OPERATION_MAX_MS
  }

  /** Begins an operation; the ticket is to be shown when it ends. */
  begin(nowMs: number): number {
    this.#startedAtMs = nowMs
    this.#running = true
    return ++this.#ticket
  }

  /** Whether the operation of this ticket still counts, and was not given up. */
  isCurrent(ticket: number): boolean {
    return this.#running && ticket === this.#ticket
  }

  succeed(nowMs: number): void {
    this.#running = false
    this.#failures = 0
    this.#notBeforeMs = nowMs + SPACING_MS
  }

  /** Begins a pause: tells how long it is, and which failure in a row led to it. */
  fail(nowMs: number): { pauseMs: number; failures: number } {
    this.#running = false
    const pauseMs = Math.min(
      PAUSE_MAX_MS,
      PAUSE_FIRST_MS * 2 ** Math.max(0, this.#failures + 1 - PAUSE_PATIENCE),
    )
    this.#failures += 1
    this.#notBeforeMs = nowMs + pauseMs
    return { pauseMs, failures: this.#failures }
  }
}
