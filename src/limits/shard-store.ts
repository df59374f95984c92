/** The exchange of counts between isolates: each isolate writes a shard of its own, and lists the shards of all. */

import { PEERS_MAX } from './peer-views.ts'
import type { Shard } from './shard.ts'

/**
 * A store of shards. Both promises reject when the store fails. The caller leaves at least a second between two publications
 * of one shard.
 */
export interface ShardStore {
  publish(keyId: string, shard: Shard): Promise<void>
  list(keyId: string): Promise<readonly Shard[]>
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

/** TTL of a shard, s. An active isolate renews it within 30 s. An older shard no longer affects any decision. */
export const SHARD_TTL_SECONDS = 180
/** Shards returned by one `list`: as many as peers are remembered. KV lists 1,000 keys a page. */
export const SHARDS_MAX = PEERS_MAX
/** Pages read by one `list`. Expired shards shorten pages, so a second page is allowed. */
export const PAGES_MAX = 2

// The first entry of the metadata. A reader ignores metadata of an unknown version.
const VERSION = 1

/** The shards in KV: `rate:<keyId>:<isolateId>`, 180 s. */
export function createShardStore(store: ShardKv): ShardStore {
  return {
    async publish(keyId, shard) {
      const options = { expirationTtl: SHARD_TTL_SECONDS, metadata: encode(shard) }
      await store.put(`${prefixOf(keyId)}${shard.isolateId}`, '', options)
    },

    async list(keyId) {
      const prefix = prefixOf(keyId)
      const shards: Shard[] = []
      let cursor: string | null = null
      for (let page = 0; page < PAGES_MAX; page++) {
        const listing: ShardListing = await store.list({ prefix, cursor })
        for (const { name, metadata } of listing.keys) {
          const shard = isCounts(metadata) ? decode(name.slice(prefix.length), metadata) : undefined
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

function prefixOf(keyId: string): string {
  return `rate:${keyId}:`
}

// KV's list returns metadata, so a shard is all metadata and needs no get. KV takes 1,024 bytes; a shard is below 120.
function encode({ seq, timeMs, renewWithinSeconds, requests, tokens }: Shard): readonly number[] {
  const counts = [requests.admitted, requests.offered, tokens.admitted, tokens.offered]
  return [VERSION, seq, timeMs, renewWithinSeconds, ...counts]
}

function decode(isolateId: string, metadata: readonly number[]): Shard | undefined {
  const [version, seq, timeMs, renewWithinSeconds, admitted, offered, tokensAdmitted, tokensOffered] =
    metadata
  if (version !== VERSION || seq === undefined || timeMs === undefined || renewWithinSeconds === undefined)
    return undefined
  if (admitted === undefined || offered === undefined) return undefined
  if (tokensAdmitted === undefined || tokensOffered === undefined) return undefined
  const requests = { admitted, offered }
  const tokens = { admitted: tokensAdmitted, offered: tokensOffered }
  return { isolateId, seq, timeMs, renewWithinSeconds, requests, tokens }
}
