/**
 * The two rules that admit a request of one measure, in one isolate, by what it counted and what it knows of its peers.
 *
 * Global random drop (Raghavan et al., "Cloud Control with Distributed Rate Limiting", SIGCOMM 2007) over counts that may
 * be a minute old. *known*: what is known to be admitted stays within the limit. *share*: where the fleet is asked for
 * clearly more than the limit, an isolate admits its share of the demand. Old data serves the second rule well: while
 * traffic is steady a minute-old demand is as good as a fresh one, and a proportion has no loop that over-corrects.
 */

import type { PeerSums } from './peer-views.ts'
import { WINDOW_MS } from './rolling-window.ts'
import type { RollingWindow } from './rolling-window.ts'

/** How much demand above the limit is left to the rule *known*. */
export type Mode = 'strict' | 'balanced' | 'lenient'

/**
 * τ: the share rule begins where the fleet's demand exceeds (1 + τ) × limit. While traffic moves between isolates it is
 * counted twice for about a minute; so a key below (1 + τ) ÷ 2 of its limit is never refused for old data, which is 75 % in
 * `balanced`, the default. The price: steady demand up to (1 + τ) × limit may pass.
 */
export const TOLERANCES: Readonly<Record<Mode, number>> = { strict: 0, balanced: 0.5, lenient: 1 }

/** What the rules are applied with. */
export interface Terms {
  /** Requests or tokens a minute. */
  readonly limit: number
  /** τ, from `TOLERANCES`. */
  readonly tolerance: number
  /** From 0 to 1, another one for each isolate and minute: see `dither`. */
  readonly dither: number
}

/** Where a measure stands for the key, as this isolate knows it. */
export interface LimitStatus {
  /** Requests or tokens a minute. */
  readonly limit: number
  /** Known to be admitted in the last 60 s, here and elsewhere; tokens may exceed the limit, for usage is known late. */
  readonly used: number
  /** What this isolate would still admit now. */
  readonly remaining: number
  /** Until all of the limit is free again when nothing more is admitted, ms. */
  readonly resetMs: number
}

/**
 * How long until `cost` is admitted, ms: 0 for now, at most 60,000. The attempt has been offered to the window, and the
 * window been rolled to now. True for a caller that is alone in one isolate; an estimate where peers take part.
 */
export function waitMs(
  window: RollingWindow,
  peers: PeerSums,
  terms: Terms,
  cost: number,
  nowMs: number,
): number {
  const knownWaitMs = window.waitMs(terms.limit - cost, peers.admitted, nowMs)
  const share = shareOf(window, peers, terms)
  // A share is seldom whole requests. The dither rounds it up or down, so that in the mean a share is had exactly, and
  // one below a single request lives.
  const room = share - cost * (1 - terms.dither)
  if (window.admitted <= room) return knownWaitMs
  // No waiting makes room for a share that was rounded to nothing: the next minute rounds anew.
  const shareWaitMs = room < 0 ? WINDOW_MS - (nowMs % WINDOW_MS) : window.waitMs(room, 0, nowMs)
  return Math.max(knownWaitMs, shareWaitMs)
}

/** Where the measure stands. The window has been rolled to now. */
export function limitStatus(
  window: RollingWindow,
  peers: PeerSums,
  terms: Terms,
  nowMs: number,
): LimitStatus {
  const used = window.admitted + peers.admitted
  const share = shareOf(window, peers, terms)
  const remaining = Math.min(terms.limit - used, share + terms.dither - window.admitted)
  return {
    limit: terms.limit,
    used: Math.round(used),
    remaining: Math.max(0, Math.floor(remaining)),
    resetMs: Math.max(window.resetMs(nowMs), Math.min(WINDOW_MS, peers.emptyAtMs - nowMs)),
  }
}

/** A number from 0 up to 1 that is another one for each isolate, key and minute, and the same within the minute. */
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

// This isolate's part of the limit, or no bound where the fleet's demand is within the tolerance.
function shareOf(window: RollingWindow, peers: PeerSums, terms: Terms): number {
  const demand = window.offered + peers.offered
  return demand > (1 + terms.tolerance) * terms.limit ? (terms.limit * window.offered) / demand : Infinity
}
