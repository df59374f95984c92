/**
 * What one key was admitted today, UTC: own requests and those of the other isolates.
 *
 * The day has shards of its own (`day:<keyId>:<date>:<isolateId>`), not a place in the minute's shards nor in the ledger.
 * The minute's shards live 180 s, and a day must outlive the isolate that counted it; one that lived a day would keep the
 * minute's listings full of the dead. The ledger is written when an answer ends, in whatever rhythm billing wants, and may
 * be summed up or kept for months; a limit that read it would tie the two together and wait for it.
 *
 * Counts only grow within a day, so what is known is a lower bound: a fleet admits too many by what it did not yet see of
 * itself (a write and a listing, some minutes of traffic), and an isolate that ends takes with it what it had not
 * published: the requests of its last minute, or five while they are less than 1 % of the limit.
 */

import { DAY_MS, dateOf } from '../calendar.ts'

/** A count that grew by this share of the limit (at least 1) is published soon, and makes look for what others counted. */
export const DAY_CHANGE_SHARE = 0.01
/** Time between two publications of a day's shard, ms: when it grew by that share, and when it grew by less. */
export const DAY_PUBLISH_SOON_MS = 60_000
export const DAY_PUBLISH_LATER_MS = 300_000
/** Time between two listings of a day's shards, ms: once half of the limit is used or traffic is brisk, and before. */
export const DAY_COLLECT_NEAR_MS = 60_000
export const DAY_COLLECT_FAR_MS = 600_000

const NEAR_SHARE = 0.5

/** One isolate's count of one key's day, as published. */
export interface DayShard {
  readonly isolateId: string
  readonly admitted: number
}

export class DayCount {
  /** The UTC date, as `2026-11-22`. */
  date = ''
  #day = -1
  #own = 0
  #published = 0
  #ownWhenCollected = 0
  #peersAdmitted = 0
  readonly #peers = new Map<string, number>()

  /** Begins a new count at 00:00 UTC. A clock that steps back over midnight stays in the new day. */
  roll(nowMs: number): void {
    const day = Math.floor(nowMs / DAY_MS)
    if (day <= this.#day) return
    this.#day = day
    this.date = dateOf(day * DAY_MS)
    this.#own = this.#published = this.#ownWhenCollected = this.#peersAdmitted = 0
    this.#peers.clear()
  }

  admit(requests: number): void {
    this.#own += requests
  }

  /** Requests admitted today by this isolate. */
  get own(): number {
    return this.#own
  }

  /** Requests known to be admitted today. */
  get used(): number {
    return this.#own + this.#peersAdmitted
  }

  /** Until 00:00 UTC, ms. */
  resetMs(nowMs: number): number {
    return Math.max(1, (this.#day + 1) * DAY_MS - nowMs)
  }

  /** How long after the last publication the next one is due, ms. */
  publishEveryMs(limit: number): number {
    const grown = this.#own - this.#published
    if (grown === 0) return Infinity
    return isMuch(grown, limit) ? DAY_PUBLISH_SOON_MS : DAY_PUBLISH_LATER_MS
  }

  /** Notes that so much of the date has been published. */
  notePublished(admitted: number, date: string): void {
    if (date === this.date) this.#published = admitted
  }

  /** How long a listing is good for, ms. A spent day needs none: counts never sink before midnight. */
  collectEveryMs(limit: number): number {
    if (this.used >= limit) return Infinity
    // What this isolate admitted in the meantime, the others will have admitted too.
    const isBrisk = isMuch(this.#own - this.#ownWhenCollected, limit)
    return isBrisk || this.used >= limit * NEAR_SHARE ? DAY_COLLECT_NEAR_MS : DAY_COLLECT_FAR_MS
  }

  /** Takes over the peers' counts of the date, unless the day has ended meanwhile. Late news never lowers a count. */
  merge(shards: readonly DayShard[], date: string, ownIsolateId: string): void {
    if (date !== this.date) return
    this.#ownWhenCollected = this.#own
    for (const { isolateId, admitted } of shards) {
      const known = this.#peers.get(isolateId) ?? 0
      if (isolateId === ownIsolateId || admitted <= known) continue
      this.#peers.set(isolateId, admitted)
      this.#peersAdmitted += admitted - known
    }
  }
}

function isMuch(grown: number, limit: number): boolean {
  return grown >= Math.max(1, limit * DAY_CHANGE_SHARE)
}
