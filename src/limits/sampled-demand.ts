/**
 * Estimates the demand of all quiet peers from their samples: the sum of the samples that are new since the last list, for
 * the time since the last list. The estimate needs no peer's clock, and KV's delay does not bias it while it is constant.
 */

import { WINDOW_MS } from './rolling-window.ts'
import { MEASURES } from './shard.ts'
import type { Measure, Shard } from './shard.ts'

/** The weight of older lists halves in this time, ms. A longer time means less noise, and a later notice of new demand. */
export const HALF_LIFE_MS = 30_000
/** The estimate restarts after this time without a list, ms: samples may have expired unseen. */
export const LIST_GAP_MAX_MS = 120_000
/** The estimate keeps its value for this time after a list, and then fades to 0 over the same time, ms. */
const FADE_MS = 60_000
/** The samples of so many peers are remembered, so that none counts twice. The oldest is forgotten. */
export const SAMPLES_MAX = 2_000
/** A sample is forgotten after this time, ms: its TTL of 180 s and KV's delay of 60 s. */
export const SAMPLE_MEMORY_MS = 240_000

// The samples of a first list were drawn over at least this time.
const FIRST_SPAN_MIN_MS = 30_000

export class SampledDemand {
  // By isolate, the last-seen sample last.
  readonly #seen = new Map<string, { readonly seq: number; readonly seenAtMs: number }>()
  readonly #sums = { requests: 0, tokens: 0 }
  #spanMs = 0
  #listedAtMs = -Infinity

  /** Whether this shard, or a later sample of its isolate, has been merged. */
  hasSeen({ isolateId, seq }: Shard): boolean {
    const seen = this.#seen.get(isolateId)
    return seen !== undefined && seen.seq >= seq
  }

  /** Merges the samples of a list that have not been seen. It is called for every list, also without samples. */
  merge(samples: readonly Shard[], nowMs: number): void {
    const sinceMs = nowMs - this.#listedAtMs
    const isFirst = sinceMs < 0 || sinceMs > LIST_GAP_MAX_MS
    const kept = isFirst ? 0 : 2 ** (-sinceMs / HALF_LIFE_MS)
    this.#spanMs = this.#spanMs * kept + (isFirst ? firstSpanMs(samples) : sinceMs)
    for (const measure of MEASURES) {
      const added = samples.reduce((sum, sample) => sum + sample[measure].offered, 0)
      this.#sums[measure] = this.#sums[measure] * kept + added
    }
    this.#listedAtMs = nowMs
    for (const { isolateId, seq } of samples) {
      this.#seen.delete(isolateId)
      this.#seen.set(isolateId, { seq, seenAtMs: nowMs })
    }
    this.#forget(nowMs)
  }

  /** The estimate of the demand in 60 s. */
  offered(measure: Measure, nowMs: number): number {
    if (this.#spanMs === 0) return 0
    const lateMs = nowMs - this.#listedAtMs - LIST_GAP_MAX_MS
    const weight = Math.min(1, Math.max(0, 1 - lateMs / FADE_MS))
    return (weight * this.#sums[measure] * WINDOW_MS) / this.#spanMs
  }

  #forget(nowMs: number): void {
    for (const [isolateId, { seenAtMs }] of this.#seen) {
      if (nowMs - seenAtMs < SAMPLE_MEMORY_MS && this.#seen.size <= SAMPLES_MAX) return
      this.#seen.delete(isolateId)
    }
  }
}

// The time over which the samples of a first list were drawn. Peers' clocks matter for this estimate only.
function firstSpanMs(samples: readonly Shard[]): number {
  const timesMs = samples.map(({ timeMs }) => timeMs)
  const spanMs = Math.max(...timesMs) - Math.min(...timesMs)
  return Math.min(LIST_GAP_MAX_MS, Math.max(FIRST_SPAN_MIN_MS, spanMs))
}
