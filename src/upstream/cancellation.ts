/** What ends an upstream call early: the client leaves, or the upstream keeps silent for too long. */

export type CancelReason = 'client_closed' | 'timeout'

/** The signal of one upstream call, and who it was that cut it. */
export class Cancellation {
  readonly #controller = new AbortController()
  readonly #timer: number
  #cancelReason: CancelReason | null = null
  /** Rejects when the call ends. One promise for all guards: a listener of the signal for each would cost more. */
  readonly #cancelled = Promise.withResolvers<never>()
  /** Rejects when the client has gone. A write must be raced with it: where nobody reads any more, it would wait for ever. */
  readonly clientClosed: Promise<never>

  /** The upstream may be silent for `firstByteTimeoutMs`, until `release`. */
  constructor(clientSignal: AbortSignal, firstByteTimeoutMs: number) {
    this.#timer = setTimeout(() => this.cancel('timeout'), firstByteTimeoutMs)
    this.clientClosed = new Promise((_resolve, reject) => {
      const leave = (): void => {
        this.cancel('client_closed')
        reject(new Error('the client has gone'))
      }
      if (clientSignal.aborted) leave()
      else clientSignal.addEventListener('abort', leave)
    })
    this.clientClosed.catch(() => undefined)
    this.#cancelled.promise.catch(() => undefined)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why the call was cut; `null` where it was not. */
  get cancelReason(): CancelReason | null {
    return this.#cancelReason
  }

  /** Ends the call; the first reason stands. */
  cancel(reason: CancelReason): void {
    this.#cancelReason ??= reason
    this.end()
  }

  /** Ends the call without a reason: nothing more is wanted of it. */
  end(): void {
    this.clearTimeout()
    this.#controller.abort()
    this.#cancelled.reject(new Error('the call was cut'))
  }

  /** The first byte is here: nothing is timed any more. */
  clearTimeout(): void {
    clearTimeout(this.#timer)
  }

  /**
   * What `pending` gives, unless the call is cut before: then it rejects. An upstream that ignores the signal must not
   * hold the client.
   */
  race<T>(pending: Promise<T>): Promise<T> {
    return Promise.race([this.#cancelled.promise, pending])
  }
}
