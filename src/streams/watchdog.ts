/** Barks when nothing has happened for a while. One timer however often it is reset: a timer a chunk would cost more. */
export class Watchdog {
  readonly #idleMs: number
  readonly #bark: () => void
  #lastMs = Date.now()
  #timer: number

  constructor(idleMs: number, bark: () => void) {
    this.#idleMs = idleMs
    this.#bark = bark
    this.#timer = setTimeout(() => this.#look(), idleMs)
  }

  reset(): void {
    this.#lastMs = Date.now()
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #look(): void {
    const restMs = this.#lastMs + this.#idleMs - Date.now()
    if (restMs <= 0) this.#bark()
    else this.#timer = setTimeout(() => this.#look(), restMs)
  }
}
