/** The alerts that an isolate has raised, so that the object of the deployment's alerts is called once for each. */

/** Ids that an isolate remembers. */
export const RAISED_MAX = 100
/** Pause after a call that failed, ms. */
export const RAISE_RETRY_MS = 60_000

export class RaisedAlerts {
  /** Until when an alert is not raised again, ms since 1970. */
  readonly #untilMs = new Map<string, number>()

  isDue(id: string, nowMs: number): boolean {
    return nowMs >= (this.#untilMs.get(id) ?? 0)
  }

  /** It stands before the call, so that parallel requests make one call. */
  noteCall(id: string, nowMs: number): void {
    const [oldest] = this.#untilMs.keys()
    if (this.#untilMs.size >= RAISED_MAX && oldest !== undefined) this.#untilMs.delete(oldest)
    this.#untilMs.set(id, nowMs + RAISE_RETRY_MS)
  }

  noteRaised(id: string): void {
    this.#untilMs.set(id, Infinity)
  }
}
