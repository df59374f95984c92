/** Counts the attempts of each address, for what costs the operator something when strangers try it. */
import { getOrCreate } from '../lru.ts'

/** Addresses remembered. The least recently used one is evicted. */
export const ADDRESSES_MAX = 5_000

/**
 * Wrong admin tokens a minute, address and isolate that get 401. Further ones get 429. The token is compared first and only a
 * wrong one counts, so nobody can lock the operator out. What keeps a token from being guessed is its length.
 */
export const WRONG_ADMIN_TOKENS_PER_MINUTE = 10

const WINDOW_MS = 60_000

export interface Attempt {
  /** 0 where the address had an attempt left. Otherwise the time until its next one, ms. */
  waitMs: number
  /** Takes the attempt out of the count again. */
  takeBack(): void
}

interface Window {
  readonly startMs: number
  attempts: number
}

/** It allows a number of attempts in a minute, which begins with an address's first one. Each isolate counts for itself. */
export class AddressThrottle {
  readonly #windows = new Map<string, { window: Window }>()

  constructor(readonly attemptsPerMinute: number) {}

  /** Counts an attempt at its start, so that attempts in parallel count too. */
  start(address: string, nowMs: number): Attempt {
    const entry = getOrCreate(this.#windows, networkOf(address), ADDRESSES_MAX, () => ({
      window: { startMs: nowMs, attempts: 0 },
    }))
    const ageMs = nowMs - entry.window.startMs
    // It is a new object, so that an attempt which is taken back late does not change a later minute.
    if (ageMs < 0 || ageMs >= WINDOW_MS) entry.window = { startMs: nowMs, attempts: 0 }
    const { window } = entry
    if (window.attempts >= this.attemptsPerMinute)
      return { waitMs: window.startMs + WINDOW_MS - nowMs, takeBack: () => undefined }
    window.attempts += 1
    return { waitMs: 0, takeBack: () => void (window.attempts -= 1) }
  }

  get size(): number {
    return this.#windows.size
  }
}

/** The network of an address: for IPv6 its /64, since one customer has all of it. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [left = [], right] = address.split('::', 2).map((half) => half.split(':'))
  if (right === undefined) return left.slice(0, 4).join(':')
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return [...left, ...zeros, ...right].slice(0, 4).join(':')
}
