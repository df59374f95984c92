/** The exchange of counts between isolates: each isolate writes a shard of its own, and lists the shards of all. */

import type { DayShard } from './day-count.ts'
import { PEERS_MAX } from './peer-views.ts'
import type { Shard } from './peer-views.ts'

/**
 * A store of one kind of shard. `scope` is a key id, or a key id and a date. Both promises reject when the store fails. The
 * caller leaves at least a second between two publications of one shard.
 */
export interface ShardStore<T> {
  publish(scope: string, shard: T): Promise<void>
  list(scope: string): Promise<readonly T[]>
}

/** The part of a KV namespace that a shard store needs. */
export interface ShardKv {
  put(key: string, value: string, options: { expirationTtl: number; metadata: unknown }): Promise<void>
  list(options: { prefix: string; cursor?: string | null }): Promise<ShardListing>
}

type ShardListing = { keys: readonly { name: string; metadata?: unknown }[] } & (
  | { list_complete: true }
  | { list_complete: false; cursor: string }
)

/** TTL of a minute's shard, s. An active isolate renews it within 30 s. An older shard no longer affects any decision. */
export const SHARD_TTL_SECONDS = 180
/** TTL of a day's shard after its last publication, s: 25 h, so it outlives its day. */
export const DAY_SHARD_TTL_SECONDS = 90_000
/** Shards returned by one `list`: as many as peers are remembered. KV lists 1,000 keys a page. */
export const SHARDS_MAX = PEERS_MAX
/** Pages read by one `list`. Expired shards shorten pages, so a second page is allowed. */
export const PAGES_MAX = 2

/** Encodes a shard as metadata. The first entry is the version; a reader ignores metadata of an unknown version. */
interface Codec<T> {
  readonly prefix: string
  readonly ttlSeconds: number
  encode(shard: T): readonly number[]
  decode(isolateId: string, metadata: readonly number[]): T | undefined
}

// KV's list returns metadata, so a shard is all metadata and needs no get. KV takes 1,024 bytes; a shard is below 120.
const minuteCodec: Codec<Shard> = {
  prefix: 'rate:',
  ttlSeconds: SHARD_TTL_SECONDS,
  encode: ({ seq, timeMs, renewWithinSeconds, requests, tokens }) => [
    1,
    seq,
    timeMs,
    renewWithinSeconds,
    requests.admitted,
    requests.offered,
    tokens.admitted,
    tokens.offered,
  ],
  decode(
    isolateId,
    [version, seq, timeMs, renewWithinSeconds, admitted, offered, tokensAdmitted, tokensOffered],
  ) {
    if (version !== 1 || seq === undefined || timeMs === undefined || renewWithinSeconds === undefined)
      return undefined
    if (admitted === undefined || offered === undefined) return undefined
    if (tokensAdmitted === undefined || tokensOffered === undefined) return undefined
    const requests = { admitted, offered }
    const tokens = { admitted: tokensAdmitted, offered: tokensOffered }
    return { isolateId, seq, timeMs, renewWithinSeconds, requests, tokens }
  },
}

const dayCodec: Codec<DayShard> = {
  prefix: 'day:',
  ttlSeconds: DAY_SHARD_TTL_SECONDS,
  encode: ({ admitted }) => [1, admitted],
  decode: (isolateId, [version, admitted]) =>
    version === 1 && admitted !== undefined ? { isolateId, admitted } : undefined,
}

/** The minute's shards in KV: `rate:<keyId>:<isolateId>`, 180 s. */
export function createMinuteShardStore(store: ShardKv): ShardStore<Shard> {
  return createShardStore(store, minuteCodec)
}

/** The day's shards in KV: `day:<keyId>:<date>:<isolateId>`, 25 h. */
export function createDayShardStore(store: ShardKv): ShardStore<DayShard> {
  return createShardStore(store, dayCodec)
}

function createShardStore<T extends { readonly isolateId: string }>(
  store: ShardKv,
  codec: Codec<T>,
): ShardStore<T> {
  return {
    async publish(scope, shard) {
      const options = { expirationTtl: codec.ttlSeconds, metadata: codec.encode(shard) }
      await store.put(`${codec.prefix}${scope}:${shard.isolateId}`, '', options)
    },

    async list(scope) {
      const prefix = `${codec.prefix}${scope}:`
      const shards: T[] = []
      let cursor: string | null = null
      for (let page = 0; page < PAGES_MAX; page++) {
        const listing: ShardListing = await store.list({ prefix, cursor })
        for (const { name, metadata } of listing.keys) {
          const shard = isCounts(metadata) ? codec.decode(name.slice(prefix.length), metadata) : undefined
          if (shard !== undefined && shards.length < SHARDS_MAX) shards.push(shard)
        }
        if (listing.list_complete) break
        cursor = listing.cursor
      }
      return shards
    },
  }
}

/** Whether metadata is a list of counts and times, as in a shard. Another version or a person may have written anything. */
export function isCounts(metadata: unknown): metadata is readonly number[] {
  return Array.isArray(metadata) && metadata.every((entry) => Number.isSafeInteger(entry) && entry >= 0)
}
