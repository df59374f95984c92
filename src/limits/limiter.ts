/** The limiter that counts in memory and tells other isolates through KV: exact in one isolate, approximate across many. */

import { getOrCreate } from '../lru.ts'
import { Sync } from './sync.ts'
import type { SyncOptions, Trouble } from './sync.ts'
import type { Decision, Limiter, Limits, LimitState } from './decision.ts'
import { KeyState } from './key-state.ts'

/** Keys an isolate remembers. The least recently used one is forgotten. Up to 6 kB each: 30 MB of the isolate's 128. */
export const KEYS_MAX = 5_000

const ISOLATE_ID_CHARS = 8

export interface LimiterOptions extends Pick<SyncOptions, 'minutes' | 'days'> {
  /** Names this isolate in KV. Default: 8 random characters, drawn at the first request. */
  readonly isolateId?: string
  /** From 0 up to 1. Default `Math.random`. */
  readonly random?: () => number
  /** The time a background operation ended, ms since 1970. Default `Date.now`. */
  readonly clock?: () => number
  /** Called once for each pause that trouble with KV leads to. Default: nothing. */
  readonly onTrouble?: (trouble: Trouble) => void
}

/** A limiter that answers at once. */
export interface FleetShareLimiter extends Limiter {
  check(...args: Parameters<Limiter['check']>): Decision
  settle(...args: Parameters<Limiter['settle']>): void
  peek(...args: Parameters<Limiter['peek']>): LimitState
  /** Keys remembered now. */
  readonly size: number
}

interface Memory {
  readonly state: KeyState
  readonly sync: Sync
}

export function createLimiter(options: LimiterOptions): FleetShareLimiter {
  const {
    minutes,
    days,
    random = Math.random,
    clock = () => Date.now(),
    onTrouble = () => undefined,
  } = options
  const syncOptions: SyncOptions = { minutes, days, clock, onTrouble }
  // In the order of their last use.
  const memories = new Map<string, Memory>()
  // Drawn late: Workers forbid randomness outside of a request.
  let { isolateId } = options
  let generation = 0

  function remember(keyId: string): Memory {
    isolateId ??= randomId(random)
    return getOrCreate(memories, keyId, KEYS_MAX, () => {
      // Each memory is a writer of its own. Were a forgotten key to write under its old name, it would take its own last
      // shard for itself and not count what that says, and replace today's count by a smaller one.
      generation += 1
      const state = new KeyState(keyId, `${isolateId}.${generation.toString(36)}`)
      return { state, sync: new Sync(state, syncOptions) }
    })
  }

  return {
    check(keyId, limits, cost, nowMs, waitUntil) {
      const tokens = wholeTokens(cost.tokens)
      if (isUnlimited(limits)) {
        const reservation = { keyId, isolateId: '', admittedAtMs: nowMs, tokens, isSettled: true }
        return { admitted: true, reservation, state: {} }
      }
      const { state, sync } = remember(keyId)
      state.roll(limits, nowMs)
      const decision = state.decide(limits, { requests: cost.requests, tokens }, nowMs)
      sync.run(limits, nowMs, waitUntil)
      return decision
    },

    settle(reservation, actualTokens, nowMs) {
      if (reservation.isSettled) return
      reservation.isSettled = true
      const state = memories.get(reservation.keyId)?.state
      if (state?.isolateId === reservation.isolateId)
        state.settle(reservation, wholeTokens(actualTokens), nowMs)
    },

    peek(keyId, limits, nowMs) {
      const state = memories.get(keyId)?.state ?? new KeyState(keyId, '')
      state.roll(limits, nowMs)
      return state.limitState(limits, nowMs)
    },

    get size() {
      return memories.size
    },
  }
}

function isUnlimited({ requestsPerMinute, requestsPerDay, tokensPerMinute }: Limits): boolean {
  return requestsPerMinute === undefined && requestsPerDay === undefined && tokensPerMinute === undefined
}

// Sums of whole numbers stay exact however often they are added to and taken from. What is no number would spoil them.
function wholeTokens(tokens: number): number {
  return tokens > 0 ? Math.ceil(tokens) : 0
}

function randomId(random: () => number): string {
  return random()
    .toString(36)
    .slice(2, 2 + ISOLATE_ID_CHARS)
    .padEnd(ISOLATE_ID_CHARS, '0')
}
