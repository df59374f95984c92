/** IP addresses and CIDR ranges, as text and as numbers. Pure. */

/** The longest text: an IPv6 address that ends in an IPv4 one, and a prefix of three digits. */
export const RANGE_LENGTH_MAX = 49

/** Addresses that agree in all but their last `hostBits` bits. */
export interface AddressRange {
  address: bigint
  hostBits: bigint
}

/** The range of a CIDR, or of one address. Bits of the host may be set, as in `10.1.2.3/8`. `null` for any other text. */
export function parseRange(text: string): AddressRange | null {
  if (text.length > RANGE_LENGTH_MAX) return null
  const [addressText = '', prefix, ...more] = text.split('/')
  const address = parseAddress(addressText)
  const bits = addressText.includes(':') ? 128 : 32
  const prefixBits = prefix === undefined ? bits : wholeNumber(prefix, bits)
  if (address === null || prefixBits === null || more.length > 0) return null
  return { address, hostBits: BigInt(bits - prefixBits) }
}

/**
 * The 128 bits of an address; `null` for any other text. An IPv4 address is the IPv6 address that maps it, so both forms are
 * one address, and `::/0` has the IPv4 addresses too.
 */
export function parseAddress(text: string): bigint | null {
  if (text.includes(':')) return parseIpv6(text)
  const value = parseIpv4(text)
  return value === null ? null : (0xffffn << 32n) | BigInt(value)
}

export function isInRange(address: bigint, range: AddressRange): boolean {
  return address >> range.hostBits === range.address >> range.hostBits
}

function parseIpv4(text: string): number | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  let value = 0
  for (const part of parts) {
    const byte = wholeNumber(part, 255)
    if (byte === null) return null
    value = value * 256 + byte
  }
  return value
}

/** RFC 4291, section 2.2, without zones. `::` stands for one or more groups of zeros. */
function parseIpv6(text: string): bigint | null {
  const tail = text.slice(text.lastIndexOf(':') + 1)
  if (tail.includes('.')) {
    const value = parseIpv4(tail)
    if (value === null) return null
    const groups = `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`
    return parseIpv6(text.slice(0, -tail.length) + groups)
  }
  const [left = '', right, ...more] = text.split('::')
  const groups = [groupsOf(left), groupsOf(right ?? '')] as const
  const missing = 8 - groups[0].length - groups[1].length
  if (more.length > 0 || (right === undefined ? missing !== 0 : missing < 1)) return null
  const all = [...groups[0], ...Array<string>(missing).fill('0'), ...groups[1]]
  if (!all.every((group) => /^[\da-f]{1,4}$/i.test(group))) return null
  return BigInt(`0x${all.map((group) => group.padStart(4, '0')).join('')}`)
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':')
}

/** A number with leading zeros is none: some programs read it as octal. */
function wholeNumber(text: string, max: number): number | null {
  return /^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= max ? Number(text) : null
}
