/**
 * The requests of one key that were admitted today, UTC, by this isolate and by its peers.
 *
 * The day has shards of its own (`day:<keyId>:<date>:<isolateId>`). The minute's shards live 180 s, but a day must outlive
 * the isolate that counted it. Minute shards that lived a day would fill the minute's lists with ended isolates. The ledger
 * is written at the end of an answer, at billing's pace; a limit that read it would depend on that pace.
 *
 * Counts only grow within a day, so the known count is a lower bound. A fleet over-admits by the requests that it has not
 * yet seen: some minutes of traffic, for a write and a list. An isolate that ends loses its unpublished requests: those of
 * its last minute, or of its last five minutes while they are less than 1 % of the limit.
 */

import { DAY_MS, dateOf } from '../calendar.ts'

/** A count that grew by this share of the limit (at least 1) is published soon, and its peers are listed soon. */
export const DAY_CHANGE_SHARE = 0.01
/** Time between two publications of a day's shard, ms: for a growth of at least that share, and for less. */
export const DAY_PUBLISH_SOON_MS = 60_000
export const DAY_PUBLISH_LATER_MS = 300_000
/** Time between two lists of a day's shards, ms: once half of the limit is used or the count grew by that share, and before. */
export const DAY_COLLECT_NEAR_MS = 60_000
export const DAY_COLLECT_FAR_MS = 600_000

const DAY_NEAR_SHARE = 0.5

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

  /** The time from the last publication to the next, ms. */
  publishEveryMs(limit: number): number {
    const grown = this.#own - this.#published
    if (grown === 0) return Infinity
    return isMuch(grown, limit) ? DAY_PUBLISH_SOON_MS : DAY_PUBLISH_LATER_MS
  }

  /** Notes the count that has been published for the date. */
  notePublished(admitted: number, date: string): void {
    if (date === this.date) this.#published = admitted
  }

  /** The time from the last list to the next, ms. A spent day needs no list: counts never decrease before midnight. */
  collectEveryMs(limit: number): number {
    if (this.used >= limit) return Infinity
    // Peers are likely to have admitted as much as this isolate since the last list.
    const isBrisk = isMuch(this.#own - this.#ownWhenCollected, limit)
    return isBrisk || this.used >= limit * DAY_NEAR_SHARE ? DAY_COLLECT_NEAR_MS : DAY_COLLECT_FAR_MS
  }

  /** Merges the peers' counts of the date, unless that day has ended. An older count never lowers a known count. */
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
