/** The limits of a key and of its group as one status. Pure. */
import type { LimitStatus } from '../limits/fleet-share.ts'
import type { AccountStatus } from './protocol.ts'

/** Of each limit the status with less left. A limit that only one of them has is shown as it is. */
export function scarcerStatus(ofKey: AccountStatus, ofGroup: AccountStatus): AccountStatus {
  const requests = scarcer(ofKey.requests, ofGroup.requests)
  const tokens = scarcer(ofKey.tokens, ofGroup.tokens)
  const requestsPerDay = scarcer(ofKey.requestsPerDay, ofGroup.requestsPerDay)
  const concurrentRequests = scarcer(ofKey.concurrentRequests, ofGroup.concurrentRequests)
  const budget = lesser(ofKey.budget, ofGroup.budget, ({ leftMicroUsd }) => leftMicroUsd)
  return {
    ...(requests && { requests }),
    ...(tokens && { tokens }),
    ...(requestsPerDay && { requestsPerDay }),
    ...(concurrentRequests && { concurrentRequests }),
    ...(budget && { budget }),
  }
}

function scarcer(a: LimitStatus | undefined, b: LimitStatus | undefined): LimitStatus | undefined {
  return lesser(a, b, ({ remaining }) => remaining)
}

function lesser<Value>(
  a: Value | undefined,
  b: Value | undefined,
  leftOf: (value: Value) => number,
): Value | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return leftOf(b) < leftOf(a) ? b : a
}
