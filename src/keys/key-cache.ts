/** A bounded memory of records, also of absent ones: what keeps KV off the path of most requests. */
import { getOrCreate } from '../lru.ts'

export interface Cached<T> {
  /** `null`: there is no such record. */
  value: T | null
  readAtMs: number
  /** Whether it may be used without asking KV. */
  fresh: boolean
}

export interface KeyCacheOptions {
  entriesMax: number
  /** How long a record that exists stays fresh. */
  freshMs: number
  /** How long an absent one does. */
  absentMs: number
}

/** Least recently used entries go first. One isolate's memory: it may be lost at any time. */
export class KeyCache<T> {
  readonly #entries = new Map<string, { value: T | null; readAtMs: number; freshUntilMs: number }>()

  constructor(readonly options: KeyCacheOptions) {}

  get(id: string, nowMs: number): Cached<T> | undefined {
    const entry = this.#entries.get(id)
    if (entry === undefined) return undefined
    // A Map keeps the order of insertion: moving an entry to its end makes the first one the least recently used.
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    return { value: entry.value, readAtMs: entry.readAtMs, fresh: nowMs < entry.freshUntilMs }
  }

  set(id: string, value: T | null, nowMs: number): void {
    const { entriesMax, freshMs, absentMs } = this.options
    const freshUntilMs = nowMs + (value === null ? absentMs : freshMs)
    const entry = getOrCreate(this.#entries, id, entriesMax, () => ({ value, readAtMs: nowMs, freshUntilMs }))
    Object.assign(entry, { value, readAtMs: nowMs, freshUntilMs })
  }

  /** Keeps an entry in use until `untilMs` although it could not be read again. */
  postpone(id: string, untilMs: number): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) entry.freshUntilMs = untilMs
  }

  get size(): number {
    return this.#entries.size
  }
}
