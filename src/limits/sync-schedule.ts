/** When an isolate publishes its counts of a key and looks at those of its peers: by how near the key is to its limits. */

import type { Limits } from './decision.ts'
import type { KeyState } from './key-state.ts'
import type { Measure, Shard } from './peer-views.ts'

/** Below this share of the limit a minute, an isolate never touches KV for the key: what it adds does not matter. */
export const QUIET_SHARE = 0.02
/** From this share of the limit on, by the demand of the fleet, the key is near it. */
export const NEAR_SHARE = 0.5
/** A change is published soon when it is this share of the limit, and at least this many. */
export const CHANGE_SHARE = 0.1
export const CHANGE_MIN = 2
/** Time between two publications after such a change, ms. */
export const PUBLISH_SOON_MS = 2_000
/** Time between two publications without, ms, near the limit and far from it. */
export const PUBLISH_NEAR_MS = 20_000
export const PUBLISH_FAR_MS = 30_000
/**
 * Time between two collections near the limit, ms: the first after fresh news, growing by the factor to the second while none
 * come. Fresh is what was counted so short a time ago, ms: where KV shows everything a minute late, to look often is in vain.
 */
export const COLLECT_NEAR_MS = 5_000
export const COLLECT_IDLE_MS = 20_000
export const COLLECT_GROWTH = 1.6
export const FRESH_MS = 15_000
/** Time between two collections far from the limit, ms. */
export const COLLECT_FAR_MS = 30_000

/** How near a key is to its limits, in one isolate. */
export interface Load {
  readonly isQuiet: boolean
  readonly isNear: boolean
  /** Whether the counts differ from the published ones by enough to tell soon. */
  readonly isChanged: boolean
}

export function load(state: KeyState, limits: Limits, published: Shard | undefined): Load {
  const requests = loadOf('requests', limits.requestsPerMinute, state, published)
  const tokens = loadOf('tokens', limits.tokensPerMinute, state, published)
  return {
    isQuiet: requests.isQuiet && tokens.isQuiet,
    isNear: requests.isNear || tokens.isNear,
    isChanged: requests.isChanged || tokens.isChanged,
  }
}

const UNLIMITED: Load = { isQuiet: true, isNear: false, isChanged: false }

function loadOf(
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
    isNear: window.offered + state.peers.sums(measure).offered >= limit * NEAR_SHARE,
    isChanged:
      Math.abs(window.admitted - before.admitted) >= change ||
      Math.abs(window.offered - before.offered) >= change,
  }
}
