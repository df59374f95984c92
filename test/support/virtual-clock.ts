/** A clock that a test advances, with timers that fire as it advances. */

// These turns of the microtask queue are enough for a chain of awaits to end.
const MICROTASK_TURNS = 20

export class VirtualClock {
  nowMs: number
  readonly #timers: { atMs: number; fire: () => void }[] = []

  constructor(startMs: number = Date.UTC(2026, 0, 1, 12)) {
    this.nowMs = startMs
  }

  /** Resolves when the clock has advanced by this time, ms; at once for 0. */
  sleep(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#timers.push({ atMs: this.nowMs + ms, fire: resolve })
      this.#timers.sort((a, b) => a.atMs - b.atMs)
    })
  }

  /** Advances to this time, and fires all timers that are due by then, in order. */
  async advanceTo(atMs: number): Promise<void> {
    await settleMicrotasks()
    for (let timer = this.#timers[0]; timer !== undefined && timer.atMs <= atMs; timer = this.#timers[0]) {
      this.#timers.shift()
      this.nowMs = timer.atMs
      timer.fire()
      await settleMicrotasks()
    }
    this.nowMs = Math.max(this.nowMs, atMs)
  }

  advance(ms: number): Promise<void> {
    return this.advanceTo(this.nowMs + ms)
  }
}

/** Runs the callbacks of promises that are already settled. */
export async function settleMicrotasks(): Promise<void> {
  for (let turn = 0; turn < MICROTASK_TURNS; turn++) await Promise.resolve()
}
