/** The one alarm of a Durable Object. Each setting costs a row, so an alarm that comes earlier is left as it is. */
export class Alarm {
  readonly #storage: DurableObjectStorage
  #atMs: number | null = null

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  /** Reads the alarm that an earlier life of the object has set. */
  async load(): Promise<void> {
    this.#atMs = await this.#storage.getAlarm()
  }

  wakeAt(atMs: number): void {
    if (this.#atMs !== null && this.#atMs <= atMs) return
    this.#atMs = atMs
    void this.#storage.setAlarm(atMs)
  }

  clear(): void {
    if (this.#atMs === null) return
    this.#atMs = null
    void this.#storage.deleteAlarm()
  }

  /** The runtime has deleted the alarm, since it runs now. */
  noteRun(): void {
    this.#atMs = null
  }
}
