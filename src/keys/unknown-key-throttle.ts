/**
 * Limits the unknown keys that an address may try. Each try costs a read of KV, and the operator pays for it. The checksum
 * stops random strings, and this throttle stops secrets with a computed checksum.
 */
import { getOrCreate } from '../lru.ts'

/** Unknown keys a minute and address, in one isolate. */
export const UNKNOWN_KEYS_PER_MINUTE = 20
/** Addresses remembered. The least recently used one is evicted. */
export const ADDRESSES_MAX = 5_000

const WINDOW_MS = 60_000

export class UnknownKeyThrottle {
  readonly #windows = new Map<string, { startMs: number; unknown: number }>()

  /** How long an address must wait before its next unknown key is looked up, ms; 0 for not at all. */
  waitMs(address: string, nowMs: number): number {
    const window = this.#windows.get(networkOf(address))
    if (window === undefined || window.unknown < UNKNOWN_KEYS_PER_MINUTE) return 0
    return Math.max(0, window.startMs + WINDOW_MS - nowMs)
  }

  /** Counts an unknown key of this address. */
  count(address: string, nowMs: number): void {
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

/** The network of an address: for IPv6 its /64, since one customer has all of it. */
function networkOf(address: string): string {
  return address.includes(':') ? address.split(':', 4).join(':') : address
}
