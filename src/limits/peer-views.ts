/** What one isolate knows of one key's traffic in the other isolates: their last shards seen, and how far to trust them. */

import { WINDOW_MS } from './rolling-window.ts'

/** What one isolate counted of one measure in the 60 s before it published. */
export interface Counts {
  readonly admitted: number
  readonly offered: number
}

/** One isolate's counts of one key, as published. The isolate is the only writer of its shard. */
export interface Shard {
  readonly isolateId: string
  /** Grows with every publication, so that a reader can tell a renewed shard from one it has seen. */
  readonly seq: number
  /** When it was counted, by the clock of its isolate. */
  readonly timeMs: number
  /** The promise: traffic going on, the next publication follows within this time. Older than that, it is late. */
  readonly renewWithinSeconds: number
  readonly requests: Counts
  readonly tokens: Counts
}

/** A measure of a limit in a rolling minute. */
export type Measure = 'requests' | 'tokens'

const MEASURES: readonly Measure[] = ['requests', 'tokens']

/** How much later than promised a renewal may come into view before it is late: the most, and the first guess, ms. */
export const DELAY_MAX_MS = 60_000
/** How long the demand of a peer whose shard is late takes to fade to nothing, ms. */
export const FADE_MS = 60_000
/** Peers of one key an isolate remembers; it takes no more notice of new ones until others have faded. */
export const PEERS_MAX = 1_000

// The sums change slowly (a peer's part by a sixtieth a second), so they are made once a second and not on every request.
const SUMS_MS = 1_000
const DELAY_MEMORY = 0.8

interface View {
  readonly shard: Shard
  // The peer's time, not later than ours when we saw it: a clock ahead of ours must not keep a view young for ever.
  readonly timeMs: number
  readonly seenAtMs: number
}

/** What the peers together add to one measure. */
export interface PeerSums extends Counts {
  /** When the last of `admitted` will have slid out of the window, ms since 1970; 0 for none. */
  readonly emptyAtMs: number
}

export class PeerViews {
  readonly #requests = { admitted: 0, offered: 0, emptyAtMs: 0 }
  readonly #tokens = { admitted: 0, offered: 0, emptyAtMs: 0 }
  #summedAtMs = -Infinity
  #delayMs: number | undefined
  readonly #views = new Map<string, View>()

  /** Takes over the shards that are new. Returns the age of the newest one, ms; infinite if there was none. */
  merge(shards: readonly Shard[], ownIsolateId: string, nowMs: number): number {
    let newsAgeMs = Infinity
    for (const shard of shards) {
      if (shard.isolateId === ownIsolateId) continue
      const view = this.#views.get(shard.isolateId)
      if (view === undefined ? this.#views.size >= PEERS_MAX : view.shard.seq >= shard.seq) continue
      if (view !== undefined)
        this.#measureDelay(nowMs - view.seenAtMs - view.shard.renewWithinSeconds * 1_000)
      const timeMs = Math.min(shard.timeMs, nowMs)
      // The first shard seen of a peer can be the last one it wrote, minutes ago.
      const seenAtMs = view === undefined ? Math.min(nowMs, timeMs + DELAY_MAX_MS) : nowMs
      this.#views.set(shard.isolateId, { shard, timeMs, seenAtMs })
      newsAgeMs = Math.min(newsAgeMs, nowMs - timeMs)
    }
    if (newsAgeMs < Infinity) this.#summedAtMs = -Infinity
    return newsAgeMs
  }

  /** The sums of one measure. The views have been rolled to now. */
  sums(measure: Measure): PeerSums {
    return measure === 'requests' ? this.#requests : this.#tokens
  }

  /**
   * Brings the sums up to date: what peers are known to have admitted, each sliding out evenly in the 60 s after it was
   * counted, and what they last offered, which stands while its renewal is not late and then fades.
   */
  roll(nowMs: number): void {
    if (this.#views.size === 0) return
    const sinceMs = nowMs - this.#summedAtMs
    if (sinceMs >= 0 && sinceMs < SUMS_MS) return
    this.#summedAtMs = nowMs
    for (const sums of [this.#requests, this.#tokens]) sums.admitted = sums.offered = sums.emptyAtMs = 0
    const delayMs = this.#delayMs ?? DELAY_MAX_MS
    for (const [isolateId, { shard, timeMs, seenAtMs }] of this.#views) {
      const inside = clamp(1 - (nowMs - timeMs) / WINDOW_MS)
      const lateMs = nowMs - seenAtMs - shard.renewWithinSeconds * 1_000 - delayMs
      const trust = clamp(1 - lateMs / FADE_MS)
      if (trust === 0 && inside === 0) this.#views.delete(isolateId)
      for (const measure of MEASURES) {
        const sums = measure === 'requests' ? this.#requests : this.#tokens
        sums.admitted += shard[measure].admitted * inside
        sums.offered += shard[measure].offered * trust
        if (shard[measure].admitted > 0 && inside > 0)
          sums.emptyAtMs = Math.max(sums.emptyAtMs, timeMs + WINDOW_MS)
      }
    }
  }

  // How much longer than promised renewals take to come into view: the time between two looks, and KV's, which may show
  // a location nothing new for 60 s. Measured by our clock alone, so that it does not matter what the peers' clocks say.
  // The largest counts and is forgotten slowly: to trust a view some seconds too long harms less than to drop it.
  #measureDelay(lateMs: number): void {
    const faded =
      this.#delayMs === undefined ? lateMs : this.#delayMs * DELAY_MEMORY + lateMs * (1 - DELAY_MEMORY)
    this.#delayMs = Math.min(DELAY_MAX_MS, Math.max(0, lateMs, faded))
  }
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share))
}
