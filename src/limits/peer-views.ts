/**
 * The peers' traffic with one key, as one isolate knows it: the last shard seen of each peer, and the weight it has now. Of
 * quiet peers it knows their demand only, by their samples.
 */

import { WINDOW_MS } from './rolling-window.ts'
import { SampledDemand } from './sampled-demand.ts'
import { isSample, MEASURES } from './shard.ts'
import type { Counts, Measure, Shard } from './shard.ts'

/** The delay of renewals until it is measured, and its upper bound, ms. A renewal is late after its promise and this delay. */
export const DELAY_MAX_MS = 60_000
/** The demand of a late peer fades to 0 over this time, ms. */
export const FADE_MS = 60_000
/** Peers of one key an isolate remembers. It ignores new peers until others have faded. */
export const PEERS_MAX = 1_000

// The sums change slowly: a peer's part by a sixtieth a second. They are computed once a second, not for every request.
const SUMS_MS = 1_000
const DELAY_SMOOTHING = 0.8

interface View {
  readonly shard: Shard
  // The shard's time, but at most the reader's time when it was seen: a peer's clock that runs ahead must not keep the
  // view fresh for ever.
  readonly timeMs: number
  readonly seenAtMs: number
}

/** The sums over all peers, for one measure. */
export interface PeerSums extends Counts {
  /** The time when the last of `admitted` leaves the window, ms since 1970; 0 if `admitted` is 0. */
  readonly emptyAtMs: number
}

export class PeerViews {
  readonly #requests = { admitted: 0, offered: 0, emptyAtMs: 0 }
  readonly #tokens = { admitted: 0, offered: 0, emptyAtMs: 0 }
  #summedAtMs = -Infinity
  #delayMs: number | undefined
  readonly #views = new Map<string, View>()
  // Created with the first sample: most keys have no quiet peers.
  #sampled: SampledDemand | undefined

  /**
   * Merges the shards of a list that are new. Returns the age of the newest counts among them, ms; `Infinity` if there are
   * none.
   */
  merge(shards: readonly Shard[], ownIsolateId: string, nowMs: number): number {
    let newestAgeMs = Infinity
    const samples: Shard[] = []
    for (const shard of shards) {
      if (shard.isolateId === ownIsolateId || this.#sampled?.hasSeen(shard) === true) continue
      const view = this.#views.get(shard.isolateId)
      if (view !== undefined && view.shard.seq >= shard.seq) continue
      if (isSample(shard)) {
        // The isolate has become quiet. Its earlier counts would otherwise count beside its samples.
        this.#views.delete(shard.isolateId)
        samples.push(shard)
        continue
      }
      if (view === undefined && this.#views.size >= PEERS_MAX) continue
      if (view !== undefined)
        this.#measureDelay(nowMs - view.seenAtMs - view.shard.renewWithinSeconds * 1_000)
      const timeMs = Math.min(shard.timeMs, nowMs)
      // A peer's first shard here can be its last publication, minutes old.
      const seenAtMs = view === undefined ? Math.min(nowMs, timeMs + DELAY_MAX_MS) : nowMs
      this.#views.set(shard.isolateId, { shard, timeMs, seenAtMs })
      newestAgeMs = Math.min(newestAgeMs, nowMs - timeMs)
    }
    if (samples.length > 0) this.#sampled ??= new SampledDemand()
    this.#sampled?.merge(samples, nowMs)
    this.#summedAtMs = -Infinity
    return newestAgeMs
  }

  /** The sums of one measure. The caller has rolled the views to now. */
  sums(measure: Measure): PeerSums {
    return measure === 'requests' ? this.#requests : this.#tokens
  }

  /**
   * Updates the sums. A peer's `admitted` decreases evenly to 0 over the 60 s after its count. A peer's `offered` keeps its
   * value until the renewal is late, and then fades. The demand of quiet peers is added to `offered`.
   */
  roll(nowMs: number): void {
    const sinceMs = nowMs - this.#summedAtMs
    if (sinceMs >= 0 && sinceMs < SUMS_MS) return
    this.#summedAtMs = nowMs
    this.#requests.admitted = this.#tokens.admitted = 0
    this.#requests.emptyAtMs = this.#tokens.emptyAtMs = 0
    this.#requests.offered = this.#sampled?.offered('requests', nowMs) ?? 0
    this.#tokens.offered = this.#sampled?.offered('tokens', nowMs) ?? 0
    const delayMs = this.#delayMs ?? DELAY_MAX_MS
    for (const [isolateId, { shard, timeMs, seenAtMs }] of this.#views) {
      const insideShare = clamp(1 - (nowMs - timeMs) / WINDOW_MS)
      const lateMs = nowMs - seenAtMs - shard.renewWithinSeconds * 1_000 - delayMs
      const demandWeight = clamp(1 - lateMs / FADE_MS)
      if (demandWeight === 0 && insideShare === 0) this.#views.delete(isolateId)
      for (const measure of MEASURES) {
        const sums = measure === 'requests' ? this.#requests : this.#tokens
        sums.admitted += shard[measure].admitted * insideShare
        sums.offered += shard[measure].offered * demandWeight
        if (shard[measure].admitted > 0 && insideShare > 0)
          sums.emptyAtMs = Math.max(sums.emptyAtMs, timeMs + WINDOW_MS)
      }
    }
  }

  // Measures how long after their promised time renewals are seen. The delay is the time between two lists and KV's own
  // delay, which can be 60 s. Only the reader's clock is used, so peers' clocks do not matter. A larger delay counts at
  // once and decays slowly: an overlong view harms less than a dropped view.
  #measureDelay(lateMs: number): void {
    const beforeMs = this.#delayMs ?? lateMs
    const smoothedMs = beforeMs * DELAY_SMOOTHING + lateMs * (1 - DELAY_SMOOTHING)
    this.#delayMs = Math.min(DELAY_MAX_MS, Math.max(0, lateMs, smoothedMs))
  }
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share))
}
