/**
 * A Workers KV with properties of the real KV that local KV lacks. Other locations see a change late, also a new key and a
 * deleted key. A second write to a key within a second is refused with 429. The free plan's quota can be spent. Operations
 * can also fail, take time, and hang for ever. A `VirtualClock` gives the time.
 *
 *   const clock = new VirtualClock()
 *   const kv = new KvDouble({ clock, visibilityDelayMs: 60_000 })
 *   const frankfurt = kv.at('fra'), sydney = kv.at('syd')     // used as namespaces; `asKVNamespace` gives the type
 *   kv.failureRates.put = 0.5                                  // half of the writes fail from now on
 *   kv.hanging.add('list')                                     // lists never answer from now on
 *   kv.counts.put                                              // writes asked for so far
 */

import type { VirtualClock } from './virtual-clock.ts'

export type KvOperation = 'get' | 'list' | 'put' | 'delete'

export interface KvDoubleOptions {
  readonly clock: VirtualClock
  /** Other locations see a change after this time, ms. Default 0. Cloudflare's KV: 60,000 and more. */
  readonly visibilityDelayMs?: number
  /** The time an operation takes, ms. Default 0. */
  readonly latencyMs?: () => number
  /** Operations of each kind a day, UTC; further ones fail. Default unlimited. Free plan: 1,000 each, but 100,000 gets. */
  readonly dailyQuota?: Partial<Record<KvOperation, number>>
  /** A number from 0 up to 1 that decides on failures. Default: 0.999, so that only a rate of 1 fails. */
  readonly random?: () => number
}

/** Least time between two writes to one key, ms. */
export const WRITE_SPACING_MS = 1_000
/** The most bytes of metadata for a key. */
export const METADATA_BYTES_MAX = 1_024
/** Keys on a page of a list. */
export const PAGE_KEYS_MAX = 1_000
/** Least `expirationTtl`, s. */
export const TTL_SECONDS_MIN = 60

const DAY_MS = 86_400_000

interface Version {
  readonly location: string
  readonly atMs: number
  /** `null` for a deleted key. */
  readonly value: string | null
  readonly metadata: string | null
  readonly expiresAtMs: number
}

interface PutOptions {
  readonly expirationTtl?: number
  readonly expiration?: number
  readonly metadata?: unknown
}

interface ListOptions {
  readonly prefix?: string | null
  readonly limit?: number
  readonly cursor?: string | null
}

export interface ListedKey {
  name: string
  expiration?: number
  metadata?: unknown
}

export type Listing = { keys: ListedKey[]; cacheStatus: null } & (
  | { list_complete: true }
  | { list_complete: false; cursor: string }
)

export class KvDouble {
  /** Share of the operations that fail, from 0 to 1. */
  readonly failureRates: Record<KvOperation, number> = { get: 0, list: 0, put: 0, delete: 0 }
  /** Operations that never answer. */
  readonly hanging = new Set<KvOperation>()
  /** Operations begun, also those that failed. */
  readonly counts: Record<KvOperation, number> = { get: 0, list: 0, put: 0, delete: 0 }
  /** Writes refused with 429. */
  tooManyWrites = 0
  readonly #options: KvDoubleOptions
  readonly #versions = new Map<string, Version[]>()
  readonly #today = { day: -1, counts: { get: 0, list: 0, put: 0, delete: 0 } }

  constructor(options: KvDoubleOptions) {
    this.#options = options
  }

  /** The namespace as a Worker in this location sees it. */
  at(location: string): KvLocation {
    return new KvLocation(this, location)
  }

  /** Counts the operation and waits for its latency. Rejects where it is to fail. */
  async begin(operation: KvOperation): Promise<void> {
    this.counts[operation] += 1
    if (this.hanging.has(operation)) await new Promise(() => undefined)
    await this.#options.clock.sleep(this.#options.latencyMs?.() ?? 0)
    const day = Math.floor(this.#options.clock.nowMs / DAY_MS)
    if (day !== this.#today.day)
      Object.assign(this.#today, { day, counts: { get: 0, list: 0, put: 0, delete: 0 } })
    this.#today.counts[operation] += 1
    if (this.#today.counts[operation] > (this.#options.dailyQuota?.[operation] ?? Infinity))
      throw new Error(`KV ${operation.toUpperCase()} failed: 429 daily limit exceeded`)
    if ((this.#options.random?.() ?? 0.999) < this.failureRates[operation])
      throw new Error(`KV ${operation.toUpperCase()} failed: 500 Internal Server Error`)
  }

  write(name: string, location: string, value: string | null, options: PutOptions): void {
    const { nowMs } = this.#options.clock
    const versions = this.#versions.get(name) ?? []
    const last = versions.at(-1)
    if (last !== undefined && nowMs - last.atMs < WRITE_SPACING_MS) {
      this.tooManyWrites += 1
      throw new Error('KV PUT failed: 429 Too Many Requests')
    }
    const metadata = options.metadata === undefined ? null : JSON.stringify(options.metadata)
    if (metadata !== null && new TextEncoder().encode(metadata).length > METADATA_BYTES_MAX)
      throw new Error(`KV PUT failed: 413 Metadata length exceeds limit of ${METADATA_BYTES_MAX}.`)
    if (options.expirationTtl !== undefined && options.expirationTtl < TTL_SECONDS_MIN)
      throw new Error(`KV PUT failed: 400 Invalid expiration_ttl. Must be at least ${TTL_SECONDS_MIN}.`)
    const ttlEndMs = options.expirationTtl === undefined ? Infinity : nowMs + options.expirationTtl * 1_000
    const expiresAtMs = options.expiration === undefined ? ttlEndMs : options.expiration * 1_000
    // Versions that every location sees are kept only up to the newest of them.
    const newestSpread = versions.findLastIndex(({ atMs }) => atMs + this.#delayMs <= nowMs)
    const kept = versions.slice(Math.max(0, newestSpread))
    this.#versions.set(name, [...kept, { location, atMs: nowMs, value, metadata, expiresAtMs }])
  }

  /** The version of the key that the location sees: its own last write, or the last write that has spread. */
  read(name: string, location: string): Version | undefined {
    const { nowMs } = this.#options.clock
    const seen = this.#versions
      .get(name)
      ?.findLast((version) => version.location === location || version.atMs + this.#delayMs <= nowMs)
    return seen === undefined || seen.value === null || seen.expiresAtMs <= nowMs ? undefined : seen
  }

  names(prefix: string): string[] {
    return [...this.#versions.keys()].filter((name) => name.startsWith(prefix)).toSorted()
  }

  get #delayMs(): number {
    return this.#options.visibilityDelayMs ?? 0
  }
}

/** The subset of `KVNamespace` that the gateway uses: text and JSON values of single keys. */
export class KvLocation {
  readonly #kv: KvDouble
  readonly #location: string

  constructor(kv: KvDouble, location: string) {
    this.#kv = kv
    this.#location = location
  }

  async get(name: string, options?: string | { type?: string }): Promise<unknown> {
    return (await this.getWithMetadata(name, options)).value
  }

  async getWithMetadata(
    name: string,
    options?: string | { type?: string },
  ): Promise<{ value: unknown; metadata: unknown; cacheStatus: null }> {
    await this.#kv.begin('get')
    const version = this.#kv.read(name, this.#location)
    const text = version?.value ?? null
    const type = typeof options === 'string' ? options : (options?.type ?? 'text')
    const value: unknown = type === 'json' && text !== null ? JSON.parse(text) : text
    return { value, metadata: parsed(version?.metadata), cacheStatus: null }
  }

  async put(name: string, value: string, options: PutOptions = {}): Promise<void> {
    await this.#kv.begin('put')
    this.#kv.write(name, this.#location, value, options)
  }

  async delete(name: string): Promise<void> {
    await this.#kv.begin('delete')
    this.#kv.write(name, this.#location, null, {})
  }

  async list(options: ListOptions = {}): Promise<Listing> {
    await this.#kv.begin('list')
    const keys: ListedKey[] = []
    const limit = Math.min(options.limit ?? PAGE_KEYS_MAX, PAGE_KEYS_MAX)
    for (const name of this.#kv.names(options.prefix ?? '')) {
      if (name <= (options.cursor ?? '')) continue
      const version = this.#kv.read(name, this.#location)
      if (version === undefined) continue
      const last = keys.at(-1)
      if (keys.length === limit && last !== undefined)
        return { keys, list_complete: false, cursor: last.name, cacheStatus: null }
      const expires =
        version.expiresAtMs === Infinity ? {} : { expiration: Math.floor(version.expiresAtMs / 1_000) }
      const metadata = version.metadata === null ? {} : { metadata: parsed(version.metadata) }
      keys.push({ name, ...expires, ...metadata })
    }
    return { keys, list_complete: true, cacheStatus: null }
  }
}

function parsed(metadata: string | null | undefined): unknown {
  return metadata === null || metadata === undefined ? null : JSON.parse(metadata)
}
