/** What an account knows when it decides on a request: its book at one moment, in the figures of an admission. */
import { dateOf, datesPrefix } from '../calendar.ts'
import type { Limits } from '../limits/limits.ts'
import type { AdmissionState } from './admission.ts'
import type { BookRequests } from './book-requests.ts'
import type { BookUsage } from './book-usage.ts'
import type { BookWindows } from './book-windows.ts'

/**
 * A request that waits for its true usage may cost its worst case. It reserves the difference until the log was asked so
 * often, 35 s after its end. A log that has not spoken by then seldom does, and the key must not stand still for an hour.
 */
export const RESERVED_TRIES = 2

/** The caller has rolled the windows to now. */
export function admissionStateAt(
  requests: BookRequests,
  usage: BookUsage,
  windows: BookWindows,
  limits: Limits,
  nowMs: number,
): AdmissionState {
  const today = dateOf(nowMs)
  const prefix = datesPrefix(limits.budget?.period ?? 'day', nowMs)
  let [underWayMicroUsd, concurrent, admittedToday] = [0, 0, 0]
  for (const { admittedAtMs, worstMicroUsd, leaseUntilMs } of requests.underWay) {
    const date = dateOf(admittedAtMs)
    if (date.startsWith(prefix)) underWayMicroUsd += worstMicroUsd
    if (date === today) admittedToday += 1
    if (leaseUntilMs > nowMs) concurrent += 1
  }
  for (const { admittedAtMs, worstMicroUsd, booking, tries } of requests.pending) {
    if (tries >= RESERVED_TRIES || !dateOf(admittedAtMs).startsWith(prefix)) continue
    underWayMicroUsd += Math.max(0, worstMicroUsd - booking.booked.costMicroUsd)
  }
  return {
    limits,
    bookedMicroUsd: usage.sumOf(prefix).costMicroUsd,
    underWayMicroUsd,
    concurrent,
    requestsOfDay: usage.sumOf(today).requests + admittedToday,
    requests: windows.requests,
    tokens: windows.tokens,
  }
}
