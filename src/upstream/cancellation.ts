/** Cancels an upstream call: because the client has closed, or because the upstream has sent no output in time. */
import { Deadline } from '../timeout.ts'

export type CancelReason = 'client_closed' | 'timeout'

/** The cancellation of one upstream call, and its reason. */
export class Cancellation {
  readonly #controller = new AbortController()
  readonly #deadline: Deadline
  readonly #deadlineMs: number
  #cancelReason: CancelReason | null = null
  /** Rejects when the call is cancelled. All races share it, since a listener of the signal for each would cost more. */
  readonly #cancelled = Promise.withResolvers<never>()
  #clientClosed: PromiseWithResolvers<never> | null = null

  /** The upstream may take `firstOutputTimeoutMs` until `clearTimeout` is called. */
  constructor(clientSignal: AbortSignal, firstOutputTimeoutMs: number, deadline = new Deadline()) {
    this.#deadline = deadline
    deadline.set(firstOutputTimeoutMs, () => this.cancel('timeout'))
    this.#deadlineMs = Date.now() + firstOutputTimeoutMs
    const close = (): void => {
      this.cancel('client_closed')
      this.#clientClosed?.reject(clientHasClosed())
    }
    if (clientSignal.aborted) close()
    else clientSignal.addEventListener('abort', close)
    this.#cancelled.promise.catch(() => undefined)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Rejects when the client has closed. A write must be raced with it: without a reader it would wait for ever. It is made at
   * the first write, since most calls end without one.
   */
  get clientClosed(): Promise<never> {
    if (this.#clientClosed === null) {
      this.#clientClosed = Promise.withResolvers<never>()
      this.#clientClosed.promise.catch(() => undefined)
      if (this.#cancelReason === 'client_closed') this.#clientClosed.reject(clientHasClosed())
    }
    return this.#clientClosed.promise
  }

  /** The time until the first output must be here, ms. */
  get leftMs(): number {
    return Math.max(0, this.#deadlineMs - Date.now())
  }

  /** Why the call was cancelled; `null` where it was not. */
  get cancelReason(): CancelReason | null {
    return this.#cancelReason
  }

  /** Cancels the call. The first reason stands. */
  cancel(reason: CancelReason): void {
    this.#cancelReason ??= reason
    this.end()
  }

  /** Ends the call without a reason, when its answer is no longer needed. */
  end(): void {
    this.clearTimeout()
    this.#controller.abort()
    this.#cancelled.reject(new Error('the call was cancelled'))
  }

  /** Stops the timer, once a whole answer or a stream's first event with output is here. */
  clearTimeout(): void {
    this.#deadline.end()
  }

  /**
   * Waits for `pending`, and rejects where the call is cancelled before: an upstream that ignores the signal must not hold
   * the client.
   */
  race<T>(pending: Promise<T>): Promise<T> {
    return Promise.race([this.#cancelled.promise, pending])
  }
}

/** The cancellation of one attempt among several: with the whole call, or after a time of its own. */
export class AttemptCancellation {
  readonly #controller = new AbortController()
  readonly #cancelled = Promise.withResolvers<never>()
  readonly #timer: ReturnType<typeof setTimeout>
  /** Whether the attempt's own time has passed. */
  isLate = false

  constructor({ signal }: Pick<Cancellation, 'signal'>, timeoutMs: number) {
    this.#timer = setTimeout(() => {
      this.isLate = true
      this.end()
    }, timeoutMs)
    this.#cancelled.promise.catch(() => undefined)
    if (signal.aborted) this.end()
    else signal.addEventListener('abort', () => this.end())
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  end(): void {
    this.clearTimeout()
    this.#controller.abort()
    this.#cancelled.reject(new Error('the attempt was cancelled'))
  }

  clearTimeout(): void {
    clearTimeout(this.#timer)
  }

  race<T>(pending: Promise<T>): Promise<T> {
    return Promise.race([this.#cancelled.promise, pending])
  }
}

function clientHasClosed(): Error {
  return new Error('the client has closed')
}
