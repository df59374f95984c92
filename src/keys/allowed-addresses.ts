/** The addresses from which a key may be used. */
import { type AddressRange, isInRange, parseAddress, parseRange } from './address-range.ts'
import type { ApiKey } from './api-key.ts'

/** Addresses and ranges that a key can have. They are compared one by one. */
export const ALLOWED_ADDRESSES_MAX = 100

export class AllowedAddresses {
  /** The lists of records that the isolate remembers. A list goes with its record, so that each record is parsed once. */
  readonly #ranges = new WeakMap<ApiKey, AddressRange[]>()

  /** A key without a list may be used from anywhere. A text that is no address is in no list, and a range that is none has no address. */
  allows(key: ApiKey, address: string): boolean {
    if (key.allowedAddresses === undefined) return true
    const value = parseAddress(address)
    if (value === null) return false
    let ranges = this.#ranges.get(key)
    if (ranges === undefined) {
      ranges = key.allowedAddresses.flatMap((text) => parseRange(text) ?? [])
      this.#ranges.set(key, ranges)
    }
    return ranges.some((range) => isInRange(value, range))
  }
}
