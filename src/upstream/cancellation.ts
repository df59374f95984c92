/** What ends an upstream call early: the client leaves, or the upstream keeps silent for too long. */

export type CutReason = 'client_closed' | 'timeout'

/** The signal of one upstream call, and who it was that cut it. */
export class Lifeline {
  readonly #controller = new AbortController()
  readonly #timer: number
  #cutReason: CutReason | null = null
  /** Rejects when the call ends. One promise for all guards: a listener of the signal for each would cost more. */
  readonly #cut = Promise.withResolvers<never>()
  /** Rejects when the client has gone. A write must be raced with it: where nobody reads any more, it would wait for ever. */
  readonly clientGone: Promise<never>

  /** The upstream may be silent for `firstByteTimeoutMs`, until `release`. */
  constructor(clientGone: AbortSignal, firstByteTimeoutMs: number) {
    this.#timer = setTimeout(() => this.cut('timeout'), firstByteTimeoutMs)
    this.clientGone = new Promise((_resolve, reject) => {
      const leave = (): void => {
        this.cut('client_closed')
        reject(new Error('the client has gone'))
      }
      if (clientGone.aborted) leave()
      else clientGone.addEventListener('abort', leave)
    })
    this.clientGone.catch(() => undefined)
    this.#cut.promise.catch(() => undefined)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why the call was cut; `null` where it was not. */
  get cutReason(): CutReason | null {
    return this.#cutReason
  }

  /** Ends the call; the first reason stands. */
  cut(reason: CutReason): void {
    this.#cutReason ??= reason
    this.end()
  }

  /** Ends the call without a reason: nothing more is wanted of it. */
  end(): void {
    this.release()
    this.#controller.abort()
    this.#cut.reject(new Error('the call was cut'))
  }

  /** The first byte is here: nothing is timed any more. */
  release(): void {
    clearTimeout(this.#timer)
  }

  /**
   * What `pending` gives, unless the call is cut before: then it rejects. An upstream that ignores the signal must not
   * hold the client.
   */
  guard<T>(pending: Promise<T>): Promise<T> {
    return Promise.race([this.#cut.promise, pending])
  }
}
