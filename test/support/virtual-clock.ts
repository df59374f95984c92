/** A clock that stands still until it is told to go on, and timers that go off on the way. */

// Enough turns of the microtask queue for a chain of awaits to run to its end.
const MICROTASK_TURNS = 20

export class VirtualClock {
  nowMs: number
  readonly #timers: { atMs: number; ring: () => void }[] = []

  constructor(startMs: number = Date.UTC(2026, 0, 1, 12)) {
    this.nowMs = startMs
  }

  /** Resolves when the clock has been moved on by so much; at once for 0. */
  sleep(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#timers.push({ atMs: this.nowMs + ms, ring: resolve })
      this.#timers.sort((a, b) => a.atMs - b.atMs)
    })
  }

  /** Moves on, and lets everything run that was waiting for a time up to then. */
  async advanceTo(atMs: number): Promise<void> {
    await settleMicrotasks()
    for (let timer = this.#timers[0]; timer !== undefined && timer.atMs <= atMs; timer = this.#timers[0]) {
      this.#timers.shift()
      this.nowMs = timer.atMs
      timer.ring()
      await settleMicrotasks()
    }
    this.nowMs = Math.max(this.nowMs, atMs)
  }

  advance(ms: number): Promise<void> {
    return this.advanceTo(this.nowMs + ms)
  }
}

/** Lets promises that are settled already run what was waiting for them. */
export async function settleMicrotasks(): Promise<void> {
  for (let turn = 0; turn < MICROTASK_TURNS; turn++) await Promise.resolve()
}
