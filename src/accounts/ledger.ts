/** The arithmetic of a key's totals: bookings are added, replaced and taken out. No clock, no I/O. */
import type { BookedUsage, SettlementEntry } from './protocol.ts'
import type { UsageTotals } from './usage-protocol.ts'

/** The booking of one request. */
export type Booking = Pick<SettlementEntry, 'booked' | 'certainty' | 'failed' | 'isAttempt'>

/** The model of refusals: most requests are refused before their model is read. It sorts before every name. */
export const NO_MODEL = ''

export const NO_USAGE: UsageTotals = {
  requests: 0,
  failures: 0,
  refused: 0,
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  costMicroUsd: 0,
  pending: 0,
  estimated: 0,
  estimatedMicroUsd: 0,
}

/** The totals with one more booking. */
export function book(totals: UsageTotals, booking: Booking): UsageTotals {
  return add(totals, totalsOf(booking), 1)
}

/** The totals with so many refusals more. */
export function refuse(totals: UsageTotals, refused: number): UsageTotals {
  return { ...totals, refused: totals.refused + refused }
}

/** The totals with another booking in place of `before`. With `null` the request counts as one that never was. */
export function replace(totals: UsageTotals, before: Booking, after: Booking | null): UsageTotals {
  const without = add(totals, totalsOf(before), -1)
  return after === null ? without : book(without, after)
}

/** The booking with the true usage of its request. */
export function corrected(booking: Booking, booked: BookedUsage): Booking {
  return { ...booking, booked, certainty: 'exact' }
}

/** The booking of a request whose true usage was not found: it stays estimated. */
export function givenUp(booking: Booking): Booking {
  return { ...booking, certainty: 'estimated' }
}

export function sumOf(all: Iterable<UsageTotals>): UsageTotals {
  let sum = NO_USAGE
  for (const totals of all) sum = add(sum, totals, 1)
  return sum
}

function totalsOf({ booked, certainty, failed, isAttempt }: Booking): UsageTotals {
  return {
    requests: isAttempt === true ? 0 : 1,
    failures: failed ? 1 : 0,
    refused: 0,
    promptTokens: booked.promptTokens,
    cachedTokens: booked.cachedTokens,
    completionTokens: booked.completionTokens,
    reasoningTokens: booked.reasoningTokens,
    costMicroUsd: booked.costMicroUsd,
    pending: certainty === 'pending' ? 1 : 0,
    estimated: certainty === 'estimated' ? 1 : 0,
    estimatedMicroUsd: certainty === 'exact' ? 0 : booked.costMicroUsd,
  }
}

function add(a: UsageTotals, b: UsageTotals, sign: 1 | -1): UsageTotals {
  return {
    requests: a.requests + sign * b.requests,
    failures: a.failures + sign * b.failures,
    refused: a.refused + sign * b.refused,
    promptTokens: a.promptTokens + sign * b.promptTokens,
    cachedTokens: a.cachedTokens + sign * b.cachedTokens,
    completionTokens: a.completionTokens + sign * b.completionTokens,
    reasoningTokens: a.reasoningTokens + sign * b.reasoningTokens,
    costMicroUsd: a.costMicroUsd + sign * b.costMicroUsd,
    pending: a.pending + sign * b.pending,
    estimated: a.estimated + sign * b.estimated,
    estimatedMicroUsd: a.estimatedMicroUsd + sign * b.estimatedMicroUsd,
  }
}
