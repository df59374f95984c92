/** The counts of a key for one minute. The console replays them against other limits. Pure. */
import * as z from 'zod/mini'
import { integer } from '../wire/integer.ts'

export const MINUTE_MS = 60_000

const count = z.lazy(() => integer(0))

const minuteCounts = z.lazy(() =>
  z.object({
    /** Minutes since 1970. */
    minute: count,
    /** Requests that were admitted. */
    requests: count,
    /** Requests that a limit or the budget refused. */
    refused: count,
    /** Tokens and cost of the admitted ones, as they were first booked. */
    tokens: count,
    costMicroUsd: count,
  }),
)

export type MinuteCounts = z.output<typeof minuteCounts>

export const minuteList = z.lazy(() => z.array(minuteCounts))

export function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / MINUTE_MS)
}

/** The counts of both, which are of the same minute. */
export function addCounts(a: MinuteCounts, b: MinuteCounts): MinuteCounts {
  return {
    minute: a.minute,
    requests: a.requests + b.requests,
    refused: a.refused + b.refused,
    tokens: a.tokens + b.tokens,
    costMicroUsd: a.costMicroUsd + b.costMicroUsd,
  }
}
