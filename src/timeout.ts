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

/**
 * One timer for the deadlines of a request, which follow each other: to set and to clear a timer of the runtime takes about
 * 10 µs. A deadline behind the one before only changes what happens when the timer fires.
 */
export class Deadline {
  #timer: ReturnType<typeof setTimeout> | null = null
  #firesAtMs = Infinity
  #dueAtMs = Infinity
  #onDue: () => void = () => undefined

  /** Calls `onDue` in so many ms, in place of what was due before. */
  set(ms: number, onDue: () => void): void {
    this.#dueAtMs = Date.now() + ms
    this.#onDue = onDue
    if (this.#timer !== null && this.#firesAtMs <= this.#dueAtMs) return
    this.end()
    this.#start(this.#dueAtMs, ms)
  }

  /** Nothing is due any more, until the next deadline is set. */
  unset(): void {
    this.#dueAtMs = Infinity
  }

  /** Nothing is due any more, and the timer ends. */
  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #start(firesAtMs: number, ms: number): void {
    this.#firesAtMs = firesAtMs
    this.#timer = setTimeout(() => this.#fire(), ms)
  }

  #fire(): void {
    this.#timer = null
    if (this.#dueAtMs === Infinity) return
    const leftMs = this.#dueAtMs - this.#firesAtMs
    if (leftMs > 0) return this.#start(this.#dueAtMs, leftMs)
    this.unset()
    this.#onDue()
  }
}

/** As `raceTimeout`, by a deadline that serves one wait after the other. The caller ends it. */
export async function raceDeadline<T>(
  pending: Promise<T>,
  timeoutMs: number,
  deadline: Deadline,
): Promise<T | typeof TIMED_OUT> {
  if (timeoutMs === 0) return pending
  const { promise: timeout, resolve } = Promise.withResolvers<typeof TIMED_OUT>()
  deadline.set(timeoutMs, () => resolve(TIMED_OUT))
  try {
    return await Promise.race([pending, timeout])
  } finally {
    deadline.unset()
  }
}
