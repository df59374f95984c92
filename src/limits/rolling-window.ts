/** One isolate's own counts of one measure (requests or tokens) of one key in the last 60 seconds. */

/** The length of the window, ms. Rate limits of the OpenAI API are per minute. */
export const WINDOW_MS = 60_000

const SECOND_MS = 1_000
// One bucket more than the window has seconds: the oldest second is still half inside while the newest fills.
const BUCKETS = WINDOW_MS / SECOND_MS + 1
// One allocation holds three rows: admitted, offered, and the time of the bucket's last admission.
const OFFERED = BUCKETS
const LAST_AT = 2 * BUCKETS

/**
 * Rolling counts in buckets of one second. What was admitted leaves 60 s after the last admission of its bucket: never
 * early, so a window of 60 s never holds more than was allowed, and never later than 60 s after a refusal, so that a
 * `retry-after` need not exceed the 60 s that the SDKs honour. What was offered leaves up to a second early: demand counted
 * too high would refuse those whom the tolerance is to let pass.
 *
 * Time may stand still, jump forward, or step back a little (two requests of one isolate can see clocks some ms apart):
 * within 60 s the latest time seen counts; a longer step back is a reset clock, and begins a new window.
 */
export class RollingWindow {
  /** What was admitted in the window, in requests or tokens. */
  admitted = 0
  /** What was asked for in the window, admitted or not. */
  offered = 0
  #nowMs = 0
  #second = 0
  #lastAdmittedAtMs = 0
  readonly #rows = new Float64Array(3 * BUCKETS)

  /** Lets everything leave that is older than the window. Called before the counts are read. */
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

  /** Counts an attempt. The window has been rolled to now. */
  offer(amount: number): void {
    this.#add(OFFERED + (this.#second % BUCKETS), amount)
    this.offered += amount
  }

  /** Counts an admission. The window has been rolled to now. */
  admit(amount: number): void {
    const bucket = this.#second % BUCKETS
    this.#add(bucket, amount)
    this.#rows[LAST_AT + bucket] = this.#nowMs
    this.#lastAdmittedAtMs = this.#nowMs
    this.admitted += amount
  }

  /**
   * Replaces what was admitted at `admittedAtMs` by what it came to. What was too much is given back where it was
   * taken, if that is still in the window; what was too little is taken now, for no window has counted it yet.
   */
  settle(admittedAtMs: number, reserved: number, actual: number): void {
    if (actual > reserved) return this.admit(actual - reserved)
    const second = Math.floor(admittedAtMs / SECOND_MS)
    if (second > this.#second || this.#second - second >= BUCKETS) return
    const bucket = second % BUCKETS
    const back = Math.min(reserved - actual, this.#row(bucket))
    this.#add(bucket, -back)
    this.admitted -= back
  }

  /**
   * How long until `admitted` is at most `room`, in whole ms from 0 to 60,000, when nothing more is admitted.
   * `sliding` is an amount that must fit into the room too and sinks evenly to nothing within the window.
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
      if (fitsInMs <= leavesInMs) return bounded(fitsInMs)
      own -= amount
      waitMs = leavesInMs
    }
    return bounded(Math.max(waitMs, slideMs(room - own, sliding)))
  }

  /** How long until the window is empty, ms. */
  resetMs(nowMs: number): number {
    return this.admitted > 0 ? bounded(this.#lastAdmittedAtMs + WINDOW_MS - nowMs) : 0
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

// When an amount that sinks evenly to nothing within the window has sunk to `room`.
function slideMs(room: number, sliding: number): number {
  if (sliding <= room) return 0
  // One ms more: the division may round down.
  return room < 0 ? Infinity : WINDOW_MS * (1 - room / sliding) + 1
}

function bounded(ms: number): number {
  return Math.min(WINDOW_MS, Math.max(0, Math.ceil(ms)))
}
