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

/** The longest delay of KV that is believed, and the one assumed until one was measured, ms. */
export const LAG_MAX_MS = 60_000
/** How long the demand of a peer whose shard is late takes to fade to nothing, ms. */
export const FADE_MS = 60_000
/** Peers of one key an isolate remembers; it takes no more notice of new ones until others have faded. */
export const PEERS_MAX = 1_000

// The sums change slowly (a peer's part by a sixtieth a second), so they are made once a second and not on every request.
const SUMS_MS = 1_000
const LAG_MEMORY = 0.8

interface View {
  shard: Shard
  // The peer's time, not later than ours when we saw it: a clock ahead of ours must not keep a view young for ever.
  timeMs: number
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
  #lagMs = LAG_MAX_MS
  readonly #views = new Map<string, View>()

  /** Takes over the shards that are new. Returns whether there were any. */
  merge(shards: readonly Shard[], ownIsolateId: string, nowMs: number): boolean {
    let news = false
    for (const shard of shards) {
      if (shard.isolateId === ownIsolateId) continue
      const view = this.#views.get(shard.isolateId)
      if (view === undefined ? this.#views.size >= PEERS_MAX : view.shard.seq >= shard.seq) continue
      if (view !== undefined) this.#measureLag(nowMs - shard.timeMs)
      this.#views.set(shard.isolateId, { shard, timeMs: Math.min(shard.timeMs, nowMs) })
      news = true
    }
    if (news) this.#summedAtMs = -Infinity
    return news
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
    for (const [isolateId, { shard, timeMs }] of this.#views) {
      const ageMs = nowMs - timeMs
      const inside = clamp(1 - ageMs / WINDOW_MS)
      const trust = clamp(1 - (ageMs - shard.renewWithinSeconds * 1_000 - this.#lagMs) / FADE_MS)
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

  // A renewal's age at first sight is KV's delay (and half the time between two looks, which delays what we know as
  // much). The largest of late counts, forgotten slowly: trusting a view some seconds too long harms less than dropping it.
  #measureLag(ageMs: number): void {
    const believed = this.#lagMs === LAG_MAX_MS ? ageMs : this.#lagMs * LAG_MEMORY + ageMs * (1 - LAG_MEMORY)
    this.#lagMs = Math.min(LAG_MAX_MS, Math.max(0, ageMs, believed))
  }
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share))
}
