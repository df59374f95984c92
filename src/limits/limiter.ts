/** The limiter that counts in memory and exchanges counts through KV: exact in one isolate, approximate across many. */

import { getOrCreate } from '../lru.ts'
import { Sync } from './sync.ts'
import type { SyncOptions, Trouble } from './sync.ts'
import type { Cost, Limiter, Reservation, WindowLimits } from './decision.ts'
import { KeyState } from './key-state.ts'

/** Keys an isolate remembers. The least recently used key is evicted. A key takes up to 6 kB: 30 MB of the isolate's 128. */
export const KEYS_MAX = 5_000

const ISOLATE_ID_CHARS = 8
/** The demand of a request whose size is not known. */
const ONE_REQUEST: Cost = { requests: 1, tokens: 0 }

export interface LimiterOptions extends Pick<SyncOptions, 'shards'> {
  /** Names this isolate in KV. Default: 8 random characters, drawn at the first request. */
  readonly isolateId?: string
  /** From 0 up to 1. Default `Math.random`. */
  readonly random?: () => number
  /** Reads the time when a background operation ends, ms since 1970. Default `Date.now`. */
  readonly clock?: () => number
  /** Called once for each pause after a failed KV operation. Default: does nothing. */
  readonly onTrouble?: (trouble: Trouble) => void
}

interface Entry {
  readonly state: KeyState
  readonly sync: Sync
}

export function createLimiter(options: LimiterOptions): Limiter {
  const { shards, random = Math.random, clock = () => Date.now(), onTrouble = () => undefined } = options
  const syncOptions: SyncOptions = { shards, clock, random, onTrouble }
  // By key id, in the order of the last use.
  const entries = new Map<string, Entry>()
  // The id is drawn at the first request: Workers forbid randomness outside of a request.
  let { isolateId } = options
  let generation = 0

  function getOrCreateEntry(keyId: string): Entry {
    isolateId ??= randomId(random)
    return getOrCreate(entries, keyId, KEYS_MAX, () => {
      // Each entry writes a shard of its own. A new entry for an evicted key must not reuse the old shard's name. It would
      // skip the old shard as its own and lose those counts.
      generation += 1
      const state = new KeyState(keyId, `${isolateId}.${generation.toString(36)}`)
      return { state, sync: new Sync(state, syncOptions) }
    })
  }

  /** The state that counted the request, unless the request is settled or the state was evicted. It marks the request as settled. */
  function stateToSettle(reservation: Reservation): KeyState | undefined {
    if (reservation.isSettled) return undefined
    reservation.isSettled = true
    const state = entries.get(reservation.keyId)?.state
    return state?.isolateId === reservation.isolateId ? state : undefined
  }

  return {
    check(keyId, limits, cost, nowMs, waitUntil) {
      const tokens = wholeTokens(cost.tokens)
      if (isUnlimited(limits)) {
        const reservation = {
          keyId,
          isolateId: '',
          admittedAtMs: nowMs,
          requests: 0,
          tokens,
          isSettled: true,
        } as const
        return { admitted: true, reservation, state: {} }
      }
      const { state, sync } = getOrCreateEntry(keyId)
      state.roll(limits, nowMs)
      const wholeCost = { requests: cost.requests, tokens }
      const decision = state.decide(limits, wholeCost, nowMs)
      // A request that is too large is no demand, so there is nothing to publish.
      if (decision.admitted || decision.reason !== 'tokens_too_large')
        sync.run(limits, wholeCost, nowMs, waitUntil)
      return decision
    },

    refuseAny(keyId, limits, nowMs, waitUntil) {
      const entry = entries.get(keyId)
      if (entry === undefined || isUnlimited(limits)) return null
      entry.state.roll(limits, nowMs)
      const refused = entry.state.refuseAny(limits, nowMs)
      if (refused !== null) entry.sync.run(limits, ONE_REQUEST, nowMs, waitUntil)
      return refused
    },

    settle(reservation, actualTokens, nowMs) {
      stateToSettle(reservation)?.settle(reservation, wholeTokens(actualTokens), nowMs)
    },

    release(reservation, nowMs) {
      stateToSettle(reservation)?.release(reservation, nowMs)
    },

    peek(keyId, limits, nowMs) {
      const state = entries.get(keyId)?.state ?? new KeyState(keyId, '')
      state.roll(limits, nowMs)
      return state.limitState(limits, nowMs)
    },

    get size() {
      return entries.size
    },
  }
}

function isUnlimited({ requestsPerMinute, tokensPerMinute }: WindowLimits): boolean {
  return requestsPerMinute === undefined && tokensPerMinute === undefined
}

// Sums of whole numbers stay exact after any number of additions and subtractions. A NaN or a negative count becomes 0.
function wholeTokens(tokens: number): number {
  return tokens > 0 ? Math.ceil(tokens) : 0
}

function randomId(random: () => number): string {
  return random()
    .toString(36)
    .slice(2, 2 + ISOLATE_ID_CHARS)
    .padEnd(ISOLATE_ID_CHARS, '0')
}
