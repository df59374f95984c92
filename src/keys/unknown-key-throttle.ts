/**
 * How many keys that do not exist an address may ask for. Each costs a read of KV, which somebody pays: the checksum in a
 * secret stops who types at random, and this who has read the source.
 */
import { getOrCreate } from '../lru.ts'

/** Unknown keys a minute and address, in one isolate. */
export const UNKNOWN_KEYS_PER_MINUTE = 20
/** Addresses remembered; the one that asked least recently is forgotten. */
export const ADDRESSES_MAX = 5_000

const WINDOW_MS = 60_000

export class UnknownKeyThrottle {
  readonly #windows = new Map<string, { startMs: number; unknown: number }>()

  /** How long an address must wait before another key of its is looked up, ms; 0 for not at all. */
  waitMs(address: string, nowMs: number): number {
    const window = this.#windows.get(networkOf(address))
    if (window === undefined || window.unknown < UNKNOWN_KEYS_PER_MINUTE) return 0
    return Math.max(0, window.startMs + WINDOW_MS - nowMs)
  }

  /** Notes that a key this address asked for does not exist. */
  note(address: string, nowMs: number): void {
    const window = getOrCreate(this.#windows, networkOf(address), ADDRESSES_MAX, () => ({
      startMs: nowMs,
      unknown: 0,
    }))
    if (nowMs - window.startMs >= WINDOW_MS) Object.assign(window, { startMs: nowMs, unknown: 0 })
    window.unknown += 1
  }

  get size(): number {
    return this.#windows.size
  }
}

/** Of an IPv6 address its /64: one customer has all of it. */
function networkOf(address: string): string {
  return address.includes(':') ? address.split(':', 4).join(':') : address
}
