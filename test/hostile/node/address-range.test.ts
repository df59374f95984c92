/** The parser of addresses agrees with Node's own, for any text. */
import { BlockList, isIP, isIPv4 } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInRange, parseAddress, parseRange } from '../../../src/keys/address-range.ts'

const ipv4 = fc.ipV4()
const mapped = fc.tuple(fc.constantFrom('::ffff:', '0:0:0:0:0:FFFF:'), ipv4).map((parts) => parts.join(''))
const ipv6 = fc.oneof(fc.ipV6(), mapped)
const address = fc.oneof(ipv4, ipv6)
/** Text that is almost an address. */
const almost = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom('0', '1', '25', 'f', ':', '::', '.', '1.2.3.4') }),
  fc
    .tuple(address, fc.nat(20), fc.constantFrom('', ':', '.', '0', 'g', '/', '%eth0', ' ', '１', '\n'))
    .map(([text, at, inserted]) => text.slice(0, at) + inserted + text.slice(at + 1)),
)

/** A range and an address that is often at its border. */
const ranges = fc.oneof(
  ipv4.chain((network) => fc.record({ network: fc.constant(network), prefix: fc.nat(32) })),
  ipv6.chain((network) => fc.record({ network: fc.constant(network), prefix: fc.nat(128) })),
)

const familyOf = (text: string) => (isIPv4(text) ? 'ipv4' : 'ipv6')

/** The address with the bit `at`, counted from the end, turned over. */
function withBitTurned(text: string, at: number): string {
  const value = (parseAddress(text) ?? 0n) ^ (1n << BigInt(at))
  const groups = value.toString(16).padStart(32, '0').match(/.{4}/g) ?? []
  return groups.join(':')
}

describe('a text', () => {
  it('is an address where Node says so', () => {
    fc.assert(
      fc.property(fc.oneof(address, almost), (text) => {
        // Node takes zones, which mean something on one machine alone.
        expect(parseAddress(text) !== null).toBe(isIP(text) !== 0 && !text.includes('%'))
      }),
      { numRuns: 5_000 },
    )
  })

  it('of a range is none with a prefix that is too long, padded, signed or doubled', () => {
    for (const text of [
      '1.2.3.4/33',
      '::/129',
      '1.2.3.4/',
      '::/08',
      '::/-1',
      '::/1/1',
      '/',
      '',
      '1.2.3.4/1e1',
    ]) {
      expect([text, parseRange(text)]).toEqual([text, null])
    }
  })
})

describe('an address', () => {
  it('is in a range where Node’s BlockList says so, also at the border and with a mapped address', () => {
    fc.assert(
      fc.property(ranges, address, fc.nat(127), ({ network, prefix }, elsewhere, bit) => {
        const list = new BlockList()
        list.addSubnet(network, prefix, familyOf(network))
        const range = parseRange(`${network}/${prefix}`)
        for (const text of [elsewhere, network, withBitTurned(network, bit)]) {
          const value = parseAddress(text)
          const isInside = range !== null && value !== null && isInRange(value, range)
          expect([text, isInside]).toEqual([text, list.check(text, familyOf(text))])
        }
      }),
      { numRuns: 5_000 },
    )
  })

  it('alone is a range of itself', () => {
    fc.assert(
      fc.property(address, fc.nat(127), (text, bit) => {
        const range = parseRange(text)
        const isInside = (other: string) => range !== null && isInRange(parseAddress(other) ?? -1n, range)
        expect([isInside(text), isInside(withBitTurned(text, bit))]).toEqual([true, false])
      }),
    )
  })
})
