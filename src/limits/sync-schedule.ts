/** The schedule by which an isolate publishes its counts of a key and lists its peers'. It is faster near the limit. */

import type { WindowLimits } from './decision.ts'
import type { KeyState } from './key-state.ts'
import type { Measure, Shard } from './shard.ts'

/** An isolate with less demand a minute than this share of the limit is quiet: it publishes samples, not its counts. */
export const QUIET_SHARE = 0.02
/** A key is near its limit where the fleet's demand is at least this share of it. */
export const NEAR_LIMIT_SHARE = 0.5
/** A change is published soon where it is at least this share of the limit, and at least `CHANGE_MIN`. */
export const CHANGE_SHARE = 0.1
export const CHANGE_MIN = 2
/** Time between two publications after such a change, ms. */
export const PUBLISH_SOON_MS = 2_000
/** Time between two publications without such a change, ms, near the limit and far from it. */
export const PUBLISH_NEAR_MS = 20_000
export const PUBLISH_FAR_MS = 30_000
/**
 * Time between two lists near the limit, ms. It begins at the minimum, grows by the factor with each list that brings no
 * fresh shard, and returns to the minimum with a fresh one. A shard is fresh if it is at most `FRESH_MS` old. Where KV
 * shows every shard a minute late, frequent lists gain nothing.
 */
export const LIST_NEAR_MIN_MS = 5_000
export const LIST_NEAR_MAX_MS = 20_000
export const LIST_NEAR_GROWTH = 1.6
export const FRESH_MS = 15_000
/** Time between two lists far from the limit, and of a quiet isolate, ms. */
export const LIST_FAR_MS = 30_000
/** Requests between two lists of a quiet isolate, so that it lists at most once for three requests. */
export const QUIET_LIST_REQUESTS = 3
/** Time between two samples of a quiet isolate, ms. Peers list more often, so a sample does not replace an unseen one. */
export const SAMPLE_MS = 60_000

/** The load on a key's limits, in one isolate. */
export interface Load {
  /** Whether this isolate's demand is below `QUIET_SHARE` of every limit. */
  readonly isQuiet: boolean
  /** Whether the fleet's demand is near a limit. */
  readonly isNearLimit: boolean
  /** Whether the counts differ enough from the published counts to be published soon. */
  readonly hasChanged: boolean
}

const UNLIMITED: Load = { isQuiet: true, isNearLimit: false, hasChanged: false }

export function loadOf(state: KeyState, limits: WindowLimits, published: Shard | undefined): Load {
  const requests = measureLoad('requests', limits.requestsPerMinute, state, published)
  const tokens = measureLoad('tokens', limits.tokensPerMinute, state, published)
  return {
    isQuiet: requests.isQuiet && tokens.isQuiet,
    isNearLimit: requests.isNearLimit || tokens.isNearLimit,
    hasChanged: requests.hasChanged || tokens.hasChanged,
  }
}

function measureLoad(
  measure: Measure,
  limit: number | undefined,
  state: KeyState,
  published: Shard | undefined,
): Load {
  if (limit === undefined) return UNLIMITED
  const window = state.window(measure)
  const change = Math.max(CHANGE_MIN, limit * CHANGE_SHARE)
  const before = published?.[measure] ?? { admitted: 0, offered: 0 }
  return {
    isQuiet: window.offered < limit * QUIET_SHARE,
    isNearLimit: window.offered + state.peers.sums(measure).offered >= limit * NEAR_LIMIT_SHARE,
    hasChanged:
      Math.abs(window.admitted - before.admitted) >= change ||
      Math.abs(window.offered - before.offered) >= change,
  }
}
