/** One isolate's own counts of one measure (requests or tokens) of one key in the last 60 seconds. */

/** The length of the window, ms. Rate limits of the OpenAI API are per minute. */
export const WINDOW_MS = 60_000

const SECOND_MS = 1_000
// The window has 61 buckets: a part of the oldest second is still inside while the newest second fills.
const BUCKETS = WINDOW_MS / SECOND_MS + 1
// One array holds three rows: admitted, offered, and the time of the bucket's last admission.
const OFFERED = BUCKETS
const LAST_AT = 2 * BUCKETS

/**
 * Rolling counts in buckets of one second. Admissions leave 60 s after the last admission of their bucket. They never leave
 * early, so no 60 s hold more than the limit. They leave within 60 s of any refusal, so `retry-after` never exceeds the
 * 60 s that the SDKs honour. Offers leave up to a second early: demand counted too high would refuse requests within the
 * tolerance.
 *
 * Time may stand still, jump forward, or step back a little: two requests of one isolate can see clocks some ms apart. A
 * step back of less than 60 s keeps the latest time seen. A longer step back is a clock reset, and clears the window.
 */
export class RollingWindow {
  /** Admissions in the window, in requests or tokens. */
  admitted = 0
  /** Attempts in the window, admitted or not, in requests or tokens. */
  offered = 0
  #nowMs = 0
  #second = 0
  #lastAdmittedAtMs = 0
  readonly #rows = new Float64Array(3 * BUCKETS)

  /** Removes all counts that are older than the window. The caller rolls before it reads the counts. */
  roll(nowMs: number): void {
    if (nowMs < this.#nowMs && this.#nowMs - nowMs < WINDOW_MS) return
    const second = Math.floor(nowMs / SECOND_MS)
    if (second < this.#second || second - this.#second >= BUCKETS) this.#clear()
    else for (let passed = this.#second + 1; passed <= second; passed++) this.#pass(passed)
    this.#second = second
    this.#nowMs = nowMs
    const oldest = (second + 1) % BUCKETS
    if (this.#row(LAST_AT + oldest) + WINDOW_MS <= nowMs) this.#release(oldest)
  }

  /** Counts an attempt. The caller has rolled the window to now. */
  offer(amount: number): void {
    this.#add(OFFERED + (this.#second % BUCKETS), amount)
    this.offered += amount
  }

  /** Counts an admission. The caller has rolled the window to now. */
  admit(amount: number): void {
    const bucket = this.#second % BUCKETS
    this.#add(bucket, amount)
    this.#rows[LAST_AT + bucket] = this.#nowMs
    this.#lastAdmittedAtMs = this.#nowMs
    this.admitted += amount
  }

  /**
   * Replaces the amount that was reserved at `admittedAtMs` by the actual amount. A surplus is subtracted from its bucket, if
   * that is still in the window. A shortfall is added now, since no window has counted it yet.
   */
  settle(admittedAtMs: number, reserved: number, actual: number): void {
    if (actual > reserved) return this.admit(actual - reserved)
    const second = Math.floor(admittedAtMs / SECOND_MS)
    if (second > this.#second || this.#second - second >= BUCKETS) return
    const bucket = second % BUCKETS
    const surplus = Math.min(reserved - actual, this.#row(bucket))
    this.#add(bucket, -surplus)
    this.admitted -= surplus
  }

  /**
   * The time until `admitted` and `sliding` together are at most `room`, if nothing more is admitted: whole ms, 0 to 60,000.
   * `sliding` is an amount that decreases evenly to 0 within the window.
   */
  waitMs(room: number, sliding: number, nowMs: number): number {
    if (this.admitted + sliding <= room) return 0
    let own = this.admitted
    let waitMs = 0
    for (let age = 1; age <= BUCKETS; age++) {
      const bucket = (this.#second + age) % BUCKETS
      const amount = this.#row(bucket)
      if (amount === 0) continue
      const leavesInMs = this.#row(LAST_AT + bucket) + WINDOW_MS - nowMs
      const fitsInMs = Math.max(waitMs, slideMs(room - own, sliding))
      if (fitsInMs <= leavesInMs) return clampToWindow(fitsInMs)
      own -= amount
      waitMs = leavesInMs
    }
    return clampToWindow(Math.max(waitMs, slideMs(room - own, sliding)))
  }

  /** The time until the window has no admissions, ms. */
  resetMs(nowMs: number): number {
    return this.admitted > 0 ? clampToWindow(this.#lastAdmittedAtMs + WINDOW_MS - nowMs) : 0
  }

  #row(index: number): number {
    return this.#rows[index] ?? 0
  }

  #add(index: number, amount: number): void {
    this.#rows[index] = this.#row(index) + amount
  }

  #pass(second: number): void {
    this.#release(second % BUCKETS)
    const oldest = OFFERED + ((second + 1) % BUCKETS)
    this.offered -= this.#row(oldest)
    this.#rows[oldest] = 0
  }

  #release(bucket: number): void {
    this.admitted -= this.#row(bucket)
    this.#rows[bucket] = 0
  }

  #clear(): void {
    this.#rows.fill(0)
    this.admitted = 0
    this.offered = 0
  }
}

// The time until an amount that decreases evenly to 0 within the window is at most `room`, ms.
function slideMs(room: number, sliding: number): number {
  if (sliding <= room) return 0
  // The division may round down, so 1 ms is added.
  return room < 0 ? Infinity : WINDOW_MS * (1 - room / sliding) + 1
}

function clampToWindow(ms: number): number {
  return Math.min(WINDOW_MS, Math.max(0, Math.ceil(ms)))
}
