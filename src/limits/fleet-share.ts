/**
 * The two rules that admit a request of one measure, in one isolate. They use its own counts and the counts of its peers.
 *
 * The method is global random drop (Raghavan et al., "Cloud Control with Distributed Rate Limiting", SIGCOMM 2007) over
 * counts that may be a minute old. Rule *known*: all admissions that the isolate knows of stay within the limit. Rule
 * *share*: where the fleet's demand clearly exceeds the limit, an isolate admits only its share of that demand. Old data
 * serves rule *share* well: the demand of steady traffic is the same a minute later, and a proportion cannot over-correct.
 */

import type { Mode } from './limits.ts'
import type { PeerSums } from './peer-views.ts'
import { WINDOW_MS } from './rolling-window.ts'
import type { RollingWindow } from './rolling-window.ts'

/**
 * τ: rule *share* applies where the fleet's demand exceeds (1 + τ) × limit. Traffic that moves between isolates is counted
 * twice for about a minute. A key below (1 + τ) ÷ 2 of its limit is therefore never refused for old data: 75 % in
 * `balanced`, the default. In return, steady demand up to (1 + τ) × limit may pass. A key of mode `exact` is decided by these
 * rules only while its account does not answer.
 */
export const TOLERANCES: Readonly<Record<Mode, number>> = { strict: 0, balanced: 0.5, lenient: 1, exact: 0 }

/** The parameters of the rules. */
export interface Terms {
  /** Requests or tokens a minute. */
  readonly limit: number
  /** τ, from `TOLERANCES`. */
  readonly tolerance: number
  /** From 0 to 1, different for each isolate and minute: see `dither`. */
  readonly dither: number
}

/** The status of one limit, as this isolate knows it. */
export interface LimitStatus {
  /** Requests or tokens a minute. */
  readonly limit: number
  /** Known admissions of the last 60 s, here and in peers. Tokens may exceed the limit, since usage is known late. */
  readonly used: number
  /** The amount that this isolate would still admit now. */
  readonly remaining: number
  /** Time until the whole limit is available again if nothing more is admitted, ms. */
  readonly resetMs: number
}

/**
 * The time until `cost` is admitted, ms: 0 for now, at most 60,000. The caller has rolled the window to now and has counted
 * the attempt as offered. The time is exact for a single caller in one isolate, and an estimate with peers.
 */
export function waitMs(
  window: RollingWindow,
  peers: PeerSums,
  terms: Terms,
  cost: number,
  nowMs: number,
): number {
  const knownWaitMs = window.waitMs(terms.limit - cost, peers.admitted, nowMs)
  // The window ends with an attempt, so its demand is one attempt above the mean. The rounding of a share that changes loses
  // half a request, as simulated. Half of the attempt is therefore subtracted, but a lone attempt counts in full.
  const share = shareOf(Math.max(cost, window.offered - cost / 2), peers, terms)
  // A share is seldom a whole number of requests. The dither rounds it up or down, so that the mean is exact. A share below
  // one request is then admitted in some minutes, not never.
  const room = share - cost * (1 - terms.dither)
  if (window.admitted <= room) return knownWaitMs
  // A share that was rounded down to 0 has no room within this minute. The next minute rounds it again.
  const shareWaitMs = room < 0 ? WINDOW_MS - (nowMs % WINDOW_MS) : window.waitMs(room, 0, nowMs)
  return Math.max(knownWaitMs, shareWaitMs)
}

/** The status of the limit. The caller has rolled the window to now. */
export function limitStatus(
  window: RollingWindow,
  peers: PeerSums,
  terms: Terms,
  nowMs: number,
): LimitStatus {
  const used = window.admitted + peers.admitted
  const share = shareOf(window.offered, peers, terms)
  const remaining = Math.min(terms.limit - used, share + terms.dither - window.admitted)
  return {
    limit: terms.limit,
    used: Math.round(used),
    remaining: Math.max(0, Math.floor(remaining)),
    resetMs: Math.max(window.resetMs(nowMs), Math.min(WINDOW_MS, peers.emptyAtMs - nowMs)),
  }
}

/** A number from 0 up to 1. It differs by isolate, key and minute, and is constant within a minute. */
export function dither(seed: number, nowMs: number): number {
  // The finaliser of MurmurHash3: each bit of the minute changes half of the result.
  let hash = seed ^ Math.floor(nowMs / WINDOW_MS)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** A seed for `dither`: FNV-1a of the text. */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash
}

// The share of an isolate with this demand; `Infinity` where the fleet's demand is within the tolerance.
function shareOf(offered: number, peers: PeerSums, terms: Terms): number {
  const demand = offered + peers.offered
  return demand > (1 + terms.tolerance) * terms.limit ? (terms.limit * offered) / demand : Infinity
}
