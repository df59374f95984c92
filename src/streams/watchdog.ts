/** Calls back when nothing has happened for a while. It has one timer, since a timer for each chunk would cost more. */
export class Watchdog {
  readonly #idleMs: number
  readonly #onIdle: () => void
  #lastMs = Date.now()
  #timer: ReturnType<typeof setTimeout>

  constructor(idleMs: number, onIdle: () => void) {
    this.#idleMs = idleMs
    this.#onIdle = onIdle
    this.#timer = setTimeout(() => this.#check(), idleMs)
  }

  reset(): void {
    this.#lastMs = Date.now()
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #check(): void {
    const restMs = this.#lastMs + this.#idleMs - Date.now()
    if (restMs <= 0) this.#onIdle()
    else this.#timer = setTimeout(() => this.#check(), restMs)
  }
}
