/** The requests and tokens of the last minute that an account has admitted. They are rebuilt from its rows after a restart. */
import { RollingWindow, WINDOW_MS } from '../limits/rolling-window.ts'
import type { Counted } from './book-schema.ts'

/** Rows that are older than the newest by so much no longer count, ms: a window, settlements in it, and a clock's step. */
export const REPLAY_MS = 4 * WINDOW_MS

interface Event {
  readonly atMs: number
  readonly run: () => void
}

export class BookWindows {
  readonly requests = new RollingWindow()
  readonly tokens = new RollingWindow()
  /** The time that the windows have reached: the latest seen, unless the clock was reset. */
  #nowMs = 0

  roll(nowMs: number): void {
    if (nowMs < this.#nowMs && this.#nowMs - nowMs < WINDOW_MS) return
    this.#nowMs = nowMs
    this.requests.roll(nowMs)
    this.tokens.roll(nowMs)
  }

  /** Counts an admission. The caller has rolled the windows to now. */
  admit(tokens: number): Counted {
    this.requests.admit(1)
    this.tokens.admit(tokens)
    return { atMs: this.#nowMs, tokens, settledAtMs: null, settledTokens: 0 }
  }

  /**
   * Puts the tokens of a request that has ended in place of those that were reserved. With `null` the request was never sent,
   * and does not count any more.
   */
  settle(counted: Counted, actualTokens: number | null, nowMs: number): Counted {
    if (counted === null) return null
    this.roll(nowMs)
    const end = { ...counted, settledAtMs: this.#nowMs, settledTokens: actualTokens ?? 0 }
    const settled = actualTokens === null ? { ...end, isReleased: true as const } : end
    this.#end(settled)
    return settled
  }

  /** Counts what was counted before a restart, in the order of time. */
  replay(all: readonly Counted[]): void {
    const events = all.flatMap((counted) => (counted === null ? [] : this.#eventsOf(counted)))
    events.sort((a, b) => a.atMs - b.atMs)
    for (const event of events) {
      this.roll(event.atMs)
      event.run()
    }
  }

  #end({ atMs, tokens, settledTokens, isReleased }: NonNullable<Counted>): void {
    this.tokens.settle(atMs, tokens, settledTokens)
    if (isReleased === true) this.requests.settle(atMs, 1, 0)
  }

  #eventsOf(counted: NonNullable<Counted>): Event[] {
    const { atMs, tokens, settledAtMs } = counted
    const admission = { atMs, run: () => void this.admit(tokens) }
    if (settledAtMs === null) return [admission]
    // A settlement comes after its admission in time, and in a stable order also within the same ms.
    return [admission, { atMs: settledAtMs, run: () => this.#end(counted) }]
  }
}
