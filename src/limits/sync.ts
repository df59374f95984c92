/** Carries one key's counts to the other isolates and theirs here, after the answer: nothing waits for it. */

import type { DayShard } from './day-count.ts'
import type { Limits, WaitUntil } from './decision.ts'
import type { ShardStore } from './shard-store.ts'
import type { KeyState } from './key-state.ts'
import { Backoff } from './backoff.ts'
import type { Shard } from './peer-views.ts'
import * as schedule from './sync-schedule.ts'

/** Something went wrong with KV. Requests go on by local counts; this is for the log. */
export interface Trouble {
  readonly keyId: string
  readonly operation: Operation
  /** Which failure in a row this is: 1 for the first. */
  readonly failures: number
  /** For how long this operation is not tried again for this key, ms. */
  readonly pauseMs: number
  /** What the store said, or that it said nothing. */
  readonly reason: string
}

export type Operation = 'publish' | 'collect' | 'publish_day' | 'collect_day'

export interface SyncOptions {
  readonly minutes: ShardStore<Shard>
  readonly days: ShardStore<DayShard>
  /** The time an operation ended, ms since 1970. */
  readonly clock: () => number
  readonly onTrouble: (trouble: Trouble) => void
}

export class Sync {
  readonly #state: KeyState
  readonly #options: SyncOptions
  readonly #backoffs = {
    publish: new Backoff(),
    collect: new Backoff(),
    publish_day: new Backoff(),
    collect_day: new Backoff(),
  }
  #seq = 0
  #published: Shard | undefined
  #publishedAtMs = -Infinity
  #collectedAtMs = -Infinity
  #collectEveryMs = schedule.COLLECT_NEAR_MS
  #dayPublishedAtMs = -Infinity
  #dayCollectedAtMs = -Infinity

  constructor(state: KeyState, options: SyncOptions) {
    this.#state = state
    this.#options = options
  }

  /** Begins what is due. The state has been rolled to now. */
  run(limits: Limits, nowMs: number, waitUntil: WaitUntil): void {
    this.#runMinute(limits, nowMs, waitUntil)
    if (limits.requestsPerDay !== undefined) this.#runDay(limits.requestsPerDay, nowMs, waitUntil)
  }

  #runMinute(limits: Limits, nowMs: number, waitUntil: WaitUntil): void {
    const { isQuiet, isNear, isChanged } = schedule.load(this.#state, limits, this.#published)
    if (isQuiet) return
    const renewWithinMs = isNear ? schedule.PUBLISH_NEAR_MS : schedule.PUBLISH_FAR_MS
    const publishEveryMs = isChanged ? schedule.PUBLISH_SOON_MS : renewWithinMs
    if (nowMs - this.#publishedAtMs >= publishEveryMs && this.#isFree('publish', nowMs)) {
      const shard = this.#shard(limits, nowMs, renewWithinMs / 1_000)
      this.#begin('publish', nowMs, waitUntil, async () => {
        await this.#options.minutes.publish(this.#state.keyId, shard)
        return () => {
          this.#published = shard
          this.#publishedAtMs = nowMs
        }
      })
    }
    const collectEveryMs = isNear ? this.#collectEveryMs : schedule.COLLECT_FAR_MS
    if (nowMs - this.#collectedAtMs >= collectEveryMs && this.#isFree('collect', nowMs)) {
      this.#begin('collect', nowMs, waitUntil, async () => {
        const shards = await this.#options.minutes.collect(this.#state.keyId)
        return () => this.#merge(shards, nowMs)
      })
    }
  }

  #runDay(limit: number, nowMs: number, waitUntil: WaitUntil): void {
    const { day, keyId, isolateId } = this.#state
    const { date } = day
    if (nowMs - this.#dayPublishedAtMs >= day.publishEveryMs(limit) && this.#isFree('publish_day', nowMs)) {
      const admitted = day.own
      this.#begin('publish_day', nowMs, waitUntil, async () => {
        await this.#options.days.publish(`${keyId}:${date}`, { isolateId, admitted })
        return () => {
          day.notePublished(admitted, date)
          this.#dayPublishedAtMs = nowMs
        }
      })
    }
    if (nowMs - this.#dayCollectedAtMs >= day.collectEveryMs(limit) && this.#isFree('collect_day', nowMs)) {
      this.#begin('collect_day', nowMs, waitUntil, async () => {
        const shards = await this.#options.days.collect(`${keyId}:${date}`)
        return () => {
          day.merge(shards, date, isolateId)
          this.#dayCollectedAtMs = nowMs
        }
      })
    }
  }

  #shard(limits: Limits, nowMs: number, renewWithinSeconds: number): Shard {
    const { isolateId } = this.#state
    // A new one for each try: one that was given up may have been written all the same.
    const seq = ++this.#seq
    const requests = limits.requestsPerMinute === undefined ? NOTHING : countsOf(this.#state, 'requests')
    const tokens = limits.tokensPerMinute === undefined ? NOTHING : countsOf(this.#state, 'tokens')
    return { isolateId, seq, timeMs: nowMs, renewWithinSeconds, requests, tokens }
  }

  #merge(shards: readonly Shard[], nowMs: number): void {
    const newsAgeMs = this.#state.peers.merge(shards, this.#state.isolateId, this.#options.clock())
    this.#collectedAtMs = nowMs
    const nextMs = newsAgeMs <= schedule.FRESH_MS ? 0 : this.#collectEveryMs * schedule.COLLECT_GROWTH
    this.#collectEveryMs = Math.min(schedule.COLLECT_IDLE_MS, Math.max(schedule.COLLECT_NEAR_MS, nextMs))
  }

  #isFree(operation: Operation, nowMs: number): boolean {
    const backoff = this.#backoffs[operation]
    if (backoff.isHanging(nowMs)) this.#fail(operation, nowMs, 'no answer')
    return backoff.isFree(nowMs)
  }

  // `work` returns what to take over once it is done, unless it had been given up by then.
  #begin(operation: Operation, nowMs: number, waitUntil: WaitUntil, work: () => Promise<() => void>): void {
    const backoff = this.#backoffs[operation]
    const ticket = backoff.begin(nowMs)
    const { clock } = this.#options
    const finish = async (): Promise<void> => {
      try {
        const takeOver = await work()
        if (!backoff.isCurrent(ticket)) return
        backoff.succeed(clock())
        takeOver()
      } catch (error) {
        if (backoff.isCurrent(ticket)) this.#fail(operation, clock(), String(error))
      }
    }
    waitUntil(finish())
  }

  #fail(operation: Operation, nowMs: number, reason: string): void {
    const { keyId } = this.#state
    this.#options.onTrouble({ keyId, operation, ...this.#backoffs[operation].fail(nowMs), reason })
  }
}

const NOTHING = { admitted: 0, offered: 0 }

function countsOf(state: KeyState, measure: 'requests' | 'tokens'): { admitted: number; offered: number } {
  const { admitted, offered } = state.window(measure)
  return { admitted, offered }
}
