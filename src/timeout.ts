/** Waits that end: a timer as a promise, and a bound on how long another promise may take. */

/** Resolves after so many ms. */
export type Sleep = (ms: number) => Promise<void>

export const sleep: Sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** The result of a race that the time-out has won. */
export const TIMED_OUT = Symbol('timed out')

/**
 * Waits for `pending`, and gives `TIMED_OUT` when that takes longer than `timeoutMs`. The work itself goes on, and its result
 * is ignored. With 0 ms there is no bound.
 */
export async function raceTimeout<T>(pending: Promise<T>, timeoutMs: number): Promise<T | typeof TIMED_OUT> {
  if (timeoutMs === 0) return pending
  const { promise: timeout, resolve } = Promise.withResolvers<typeof TIMED_OUT>()
  const timer = setTimeout(() => resolve(TIMED_OUT), timeoutMs)
  try {
    return await Promise.race([pending, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits for `pending`. @throws Error where it takes longer than `timeoutMs`. */
export async function orTimeoutError<T>(pending: Promise<T>, timeoutMs: number): Promise<T> {
  const result = await raceTimeout(pending, timeoutMs)
  if (result === TIMED_OUT) throw new Error(`no answer within ${timeoutMs} ms`)
  return result
}
