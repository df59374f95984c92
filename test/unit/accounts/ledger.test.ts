import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  book,
  type Booking,
  corrected,
  givenUp,
  NO_USAGE,
  replace,
  sumOf,
} from '../../../src/accounts/ledger.ts'

const count = fc.nat(1_000_000)
const usage = fc.record({
  promptTokens: count,
  cachedTokens: count,
  completionTokens: count,
  reasoningTokens: count,
  costMicroUsd: count,
})
const bookings = fc.array(
  fc.record({
    booked: usage,
    certainty: fc.constantFrom('exact' as const, 'pending' as const, 'estimated' as const),
    failed: fc.boolean(),
  }),
)

const BOOKED = {
  promptTokens: 10,
  cachedTokens: 4,
  completionTokens: 20,
  reasoningTokens: 8,
  costMicroUsd: 100,
}
const PENDING: Booking = { booked: BOOKED, certainty: 'pending', failed: true }

describe('the ledger', () => {
  it('counts a booking with its tokens, its cost and how sure it is', () => {
    const totals = { ...NO_USAGE, ...BOOKED, requests: 1, failures: 1, pending: 1, estimatedMicroUsd: 100 }
    expect(book(NO_USAGE, PENDING)).toEqual(totals)
  })

  it('puts the true usage in place of the expected one', () => {
    const booked = { ...BOOKED, completionTokens: 3, costMicroUsd: 30 }
    const totals = replace(book(NO_USAGE, PENDING), PENDING, corrected(PENDING, booked))
    expect(totals).toEqual({ ...NO_USAGE, ...booked, requests: 1, failures: 1 })
  })

  it('keeps a request estimated for good where its usage was not found', () => {
    const totals = replace(book(NO_USAGE, PENDING), PENDING, givenUp(PENDING))
    expect(totals).toMatchObject({ pending: 0, estimated: 1, estimatedMicroUsd: 100, costMicroUsd: 100 })
  })

  it('sums up to nothing once every booking is taken out again', () => {
    fc.assert(
      fc.property(bookings, (all) => {
        const booked = all.reduce(book, NO_USAGE)
        expect(sumOf(all.map((booking) => book(NO_USAGE, booking)))).toEqual(booked)
        expect(all.reduce((totals, booking) => replace(totals, booking, null), booked)).toEqual(NO_USAGE)
      }),
      { seed: 20_261_123 },
    )
  })
})
