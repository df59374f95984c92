/**
 * A bounded cache of records, absent ones included, which keeps KV off the path of most requests. It never goes back to a
 * smaller version.
 */
import { getOrCreate } from '../lru.ts'

export interface Cached<T> {
  /** `null` where no such record exists. */
  value: T | null
  readAtMs: number
  /** Whether it may be used without asking KV. */
  fresh: boolean
}

export interface KeyCacheOptions {
  entriesMax: number
  /** How long a record that exists stays fresh. */
  freshMs: number
  /** How long the absence of a record stays fresh. */
  absentMs: number
}

interface Entry<T> {
  value: T | null
  version: number
  readAtMs: number
  freshUntilMs: number
}

/** The least recently used entries are evicted first. An isolate may lose all of it at any time. */
export class KeyCache<T> {
  readonly #entries = new Map<string, Entry<T>>()

  constructor(readonly options: KeyCacheOptions) {}

  get(id: string, nowMs: number): Cached<T> | undefined {
    const entry = this.#entries.get(id)
    if (entry === undefined) return undefined
    // A Map keeps the order of insertion. An entry that is used moves to its end, so that the first is the least recent.
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    return { value: entry.value, readAtMs: entry.readAtMs, fresh: nowMs < entry.freshUntilMs }
  }

  /** A greater version that is known stays, and is fresh again. Returns the value that stands. */
  set(id: string, value: T | null, nowMs: number, version = 0): T | null {
    const { entriesMax, freshMs, absentMs } = this.options
    const entry = getOrCreate(this.#entries, id, entriesMax, () => ({
      value,
      version,
      readAtMs: nowMs,
      freshUntilMs: nowMs,
    }))
    if (version >= entry.version) Object.assign(entry, { value, version })
    const freshUntilMs = nowMs + (entry.value === null ? absentMs : freshMs)
    Object.assign(entry, { readAtMs: nowMs, freshUntilMs })
    return entry.value
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
