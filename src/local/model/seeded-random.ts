/** Repeatable random numbers: the same seed gives the same ids, words and padding on every machine. */

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Numbers in [0, 1) that depend only on the seed: FNV-1a seeds mulberry32. They are not for secrets. */
export type Random = () => number

export function seededRandom(seed: string): Random {
  let state = 0x811c9dc5
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193)
  return function next() {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `length` characters of base62. */
export function randomText(random: Random, length: number): string {
  return Array.from({ length }, () => BASE62.charAt(Math.floor(random() * BASE62.length))).join('')
}
