/** Publishes one key's counts to the other isolates and lists theirs, in the background: no request waits for it. */

import type { Cost, WaitUntil, WindowLimits } from './decision.ts'
import { SHARD_TTL_SECONDS } from './shard-store.ts'
import type { ShardStore } from './shard-store.ts'
import type { KeyState } from './key-state.ts'
import { Backoff } from './backoff.ts'
import { Sampler } from './sampler.ts'
import type { Sample } from './sampler.ts'
import type { Counts, Measure, Shard } from './shard.ts'
import * as schedule from './sync-schedule.ts'

/** A failed KV operation, for the log. Requests are still decided, by local counts. */
export interface Trouble {
  readonly keyId: string
  readonly operation: Operation
  /** Failures of the operation in a row: 1 for the first. */
  readonly failures: number
  /** The operation is not tried again for this key for this time, ms. */
  readonly pauseMs: number
  /** The store's error, or `no answer` after a time-out. */
  readonly reason: string
}

export type Operation = 'publish' | 'list'

export interface SyncOptions {
  readonly shards: ShardStore
  /** Reads the time when an operation ends, ms since 1970. */
  readonly clock: () => number
  /** From 0 up to 1. */
  readonly random: () => number
  readonly onTrouble: (trouble: Trouble) => void
}

const ZERO_COUNTS: Counts = { admitted: 0, offered: 0 }

export class Sync {
  readonly #state: KeyState
  readonly #options: SyncOptions
  readonly #backoffs = { publish: new Backoff(), list: new Backoff() }
  readonly #sampler: Sampler
  #seq = 0
  // The last counts that were published; `undefined` after a sample.
  #published: Shard | undefined
  #publishedAtMs = -Infinity
  #listedAtMs = -Infinity
  #requestsSinceList = 0
  #listEveryMs = schedule.LIST_NEAR_MIN_MS

  constructor(state: KeyState, options: SyncOptions) {
    this.#state = state
    this.#options = options
    this.#sampler = new Sampler(options.random)
  }

  /** Begins the operations that are due, after a request of this cost. The caller has rolled the state to now. */
  run(limits: WindowLimits, cost: Cost, nowMs: number, waitUntil: WaitUntil): void {
    this.#requestsSinceList += 1
    const load = schedule.loadOf(this.#state, limits, this.#published)
    if (load.isQuiet) return this.#runQuiet(limits, cost, nowMs, waitUntil)
    this.#sampler.clear()
    const renewWithinMs = load.isNearLimit ? schedule.PUBLISH_NEAR_MS : schedule.PUBLISH_FAR_MS
    const publishEveryMs = load.hasChanged ? schedule.PUBLISH_SOON_MS : renewWithinMs
    if (nowMs - this.#publishedAtMs >= publishEveryMs) {
      this.#beginIfReady('publish', nowMs, waitUntil, async () => {
        const shard = this.#nextShard(limits, nowMs, renewWithinMs / 1_000)
        await this.#options.shards.publish(this.#state.keyId, shard)
        return () => {
          this.#published = shard
          this.#publishedAtMs = nowMs
        }
      })
    }
    const listEveryMs = load.isNearLimit ? this.#listEveryMs : schedule.LIST_FAR_MS
    if (nowMs - this.#listedAtMs >= listEveryMs) this.#list(nowMs, waitUntil)
  }

  #runQuiet(limits: WindowLimits, cost: Cost, nowMs: number, waitUntil: WaitUntil): void {
    this.#sampler.draw(cost, limits)
    const afterMs = this.#sampleAfterMs(nowMs)
    if (afterMs !== null && nowMs - this.#publishedAtMs >= afterMs) {
      this.#beginIfReady('publish', nowMs, waitUntil, async () => {
        const { drawn } = this.#sampler
        await this.#options.shards.publish(this.#state.keyId, this.#nextSample(drawn, nowMs))
        return () => {
          this.#published = undefined
          this.#publishedAtMs = nowMs
          this.#sampler.subtract(drawn)
        }
      })
    }
    const isListDue = nowMs - this.#listedAtMs >= schedule.LIST_FAR_MS
    if (isListDue && this.#requestsSinceList >= schedule.QUIET_LIST_REQUESTS) this.#list(nowMs, waitUntil)
  }

  // The time from the last publication to the next sample, ms. Counts whose renewal is due are replaced by a sample, also by
  // an empty one, unless they have expired. `null` where nothing is to be published.
  #sampleAfterMs(nowMs: number): number | null {
    const areCountsLive = nowMs - this.#publishedAtMs < SHARD_TTL_SECONDS * 1_000
    if (this.#published !== undefined && areCountsLive) return this.#published.renewWithinSeconds * 1_000
    return this.#sampler.drawn.requests > 0 ? schedule.SAMPLE_MS : null
  }

  #list(nowMs: number, waitUntil: WaitUntil): void {
    this.#beginIfReady('list', nowMs, waitUntil, async () => {
      const shards = await this.#options.shards.list(this.#state.keyId)
      return () => this.#merge(shards, nowMs)
    })
  }

  #nextShard(limits: WindowLimits, nowMs: number, renewWithinSeconds: number): Shard {
    const { isolateId } = this.#state
    const seq = this.#nextSeq()
    const requests = limits.requestsPerMinute === undefined ? ZERO_COUNTS : countsOf(this.#state, 'requests')
    const tokens = limits.tokensPerMinute === undefined ? ZERO_COUNTS : countsOf(this.#state, 'tokens')
    return { isolateId, seq, timeMs: nowMs, renewWithinSeconds, requests, tokens }
  }

  #nextSample(sample: Sample, nowMs: number): Shard {
    const { isolateId } = this.#state
    const requests = { admitted: 0, offered: sample.requests }
    const tokens = { admitted: 0, offered: sample.tokens }
    return { isolateId, seq: this.#nextSeq(), timeMs: nowMs, renewWithinSeconds: 0, requests, tokens }
  }

  // Each attempt has a new number: a publication that timed out may have been written all the same.
  #nextSeq(): number {
    this.#seq += 1
    return this.#seq
  }

  #merge(shards: readonly Shard[], nowMs: number): void {
    const newestAgeMs = this.#state.peers.merge(shards, this.#state.isolateId, this.#options.clock())
    this.#listedAtMs = nowMs
    this.#requestsSinceList = 0
    this.#listEveryMs =
      newestAgeMs <= schedule.FRESH_MS
        ? schedule.LIST_NEAR_MIN_MS
        : Math.min(schedule.LIST_NEAR_MAX_MS, this.#listEveryMs * schedule.LIST_NEAR_GROWTH)
  }

  // Begins the operation unless it is running or pauses. An operation that has timed out is failed first, and then pauses.
  // `work` runs up to its first await within this call. It returns a function that applies the result, which is called
  // unless the operation has timed out by then.
  #beginIfReady(
    operation: Operation,
    nowMs: number,
    waitUntil: WaitUntil,
    work: () => Promise<() => void>,
  ): void {
    const backoff = this.#backoffs[operation]
    if (backoff.isTimedOut(nowMs)) this.#fail(operation, nowMs, 'no answer')
    if (!backoff.isReady(nowMs)) return
    const attempt = backoff.begin(nowMs)
    const { clock } = this.#options
    const finish = async (): Promise<void> => {
      try {
        const apply = await work()
        if (!backoff.isCurrent(attempt)) return
        backoff.succeed(clock())
        apply()
      } catch (error) {
        if (backoff.isCurrent(attempt)) this.#fail(operation, clock(), String(error))
      }
    }
    waitUntil(finish())
  }

  #fail(operation: Operation, nowMs: number, reason: string): void {
    const { keyId } = this.#state
    this.#options.onTrouble({ keyId, operation, ...this.#backoffs[operation].fail(nowMs), reason })
  }
}

function countsOf(state: KeyState, measure: Measure): Counts {
  const { admitted, offered } = state.window(measure)
  return { admitted, offered }
}
