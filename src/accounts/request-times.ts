/** How long requests take, counted in buckets: from the admission to a stream's first output, and to the end. Pure. */

/**
 * The upper bounds of the buckets, seconds. Longer times have a bucket of their own. Stored rows have a count for each bucket,
 * so a change of the bounds needs a migration.
 */
export const TIME_BOUNDS_SECONDS = [0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600] as const

/** The counts of the buckets of one measure, and behind them the sum of its times, ms. */
export const TIME_COUNTS = TIME_BOUNDS_SECONDS.length + 2
const SUM_AT = TIME_COUNTS - 1

/** The measures, in the order of their counts. */
export const MEASURES = ['firstOutput', 'duration'] as const
export type Measure = (typeof MEASURES)[number]

/** The counts of all measures, one behind the other. No correction lowers them. */
export type RequestTimes = number[]

export function noTimes(): RequestTimes {
  return Array<number>(MEASURES.length * TIME_COUNTS).fill(0)
}

/** Adds the times of a request to `times`. A batch has many requests, so nothing is copied. */
export function addTimes(
  times: RequestTimes,
  { firstOutputMs, durationMs }: { firstOutputMs: number | null; durationMs: number },
): void {
  if (firstOutputMs !== null) addTime(times, 0, firstOutputMs)
  addTime(times, TIME_COUNTS, durationMs)
}

/** Times of one measure. `cumulative` are the requests up to each bound; the last one counts all. */
export interface MeasuredTimes {
  cumulative: number[]
  sumMs: number
}

export function measuredTimes(times: RequestTimes, measure: Measure): MeasuredTimes {
  const from = MEASURES.indexOf(measure) * TIME_COUNTS
  let sum = 0
  const cumulative = times.slice(from, from + SUM_AT).map((count) => (sum += count))
  return { cumulative, sumMs: times[from + SUM_AT] ?? 0 }
}

/** For rows that were stored. */
export function isRequestTimes(value: unknown): value is RequestTimes {
  return (
    Array.isArray(value) &&
    value.length === MEASURES.length * TIME_COUNTS &&
    value.every((count) => Number.isSafeInteger(count) && count >= 0)
  )
}

function addTime(times: RequestTimes, from: number, ms: number): void {
  // The clock of an isolate may have been set back meanwhile.
  const takenMs = ms > 0 ? Math.round(ms) : 0
  let bucket = 0
  while (bucket < TIME_BOUNDS_SECONDS.length && takenMs > boundMs(bucket)) bucket += 1
  times[from + bucket] = (times[from + bucket] ?? 0) + 1
  times[from + SUM_AT] = (times[from + SUM_AT] ?? 0) + takenMs
}

function boundMs(bucket: number): number {
  return (TIME_BOUNDS_SECONDS[bucket] ?? Infinity) * 1_000
}
