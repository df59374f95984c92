/**
 * The ledger's two records in KV. `usage:<keyId>:<date>:<shardId>`: what one isolate counted of a key's day (UTC), all of
 * it metadata, so that a listing needs no gets. `usage-day:<keyId>:<date>`: a past day, folded (`usage-fold.ts`): the sum
 * as metadata, the totals of each shard as value. Its prefix is another one, so that to look for shards that are not
 * folded yet costs what two days wrote and not what a year did.
 */
import { field } from '../wire/field.ts'
import { decode, encode, later, sumOf, type Totals } from './usage-totals.ts'

/** How long both kinds of records live after they were last written. */
export const USAGE_LIFETIME_SECONDS = 400 * 86_400
/** Pages of 1,000 names that one listing reads; what is beyond them is left out. */
export const LIST_PAGES_MAX = 200

/** Totals by shard. */
export type Shards = Map<string, Totals>

export interface FoldedDay {
  foldedAtMs: number
  shards: Shards
}

/**
 * Shows `visit` the totals of every record of a kind whose name goes on with `scope`, of which each writer's newest may be
 * missing for a minute or more. `day` is `<keyId>:<date>`. Returns whether that was all.
 */
export async function listTotals(
  kv: KVNamespace,
  kind: 'usage' | 'usage-day',
  scope: string,
  visit: (day: string, shardId: string, totals: Totals) => void,
): Promise<boolean> {
  let cursor: string | null = null
  for (let page = 0; page < LIST_PAGES_MAX; page++) {
    const listing: KVNamespaceListResult<unknown> = await kv.list({ prefix: `${kind}:${scope}`, cursor })
    for (const { name, metadata } of listing.keys) {
      const [, keyId, date, shardId = ''] = name.split(':')
      const totals = decode(metadata)
      if (totals !== undefined) visit(`${keyId}:${date}`, shardId, totals)
    }
    if (listing.list_complete) return true
    cursor = listing.cursor
  }
  return false
}

export async function writeShard(
  kv: KVNamespace,
  day: string,
  shardId: string,
  totals: Totals,
): Promise<void> {
  await kv.put(shardName(day, shardId), '', lifetime(totals))
}

export async function deleteShard(kv: KVNamespace, day: string, shardId: string): Promise<void> {
  await kv.delete(shardName(day, shardId))
}

/** `foldedAtMs` is 0 where there is no record. */
export async function readFoldedDay(kv: KVNamespace, day: string): Promise<FoldedDay> {
  const value: unknown = await kv.get(`usage-day:${day}`, 'json')
  const shards: Shards = new Map()
  for (const [shardId, written] of Object.entries(field(value, 'shards') ?? {})) {
    const totals = decode(written)
    if (totals !== undefined) shards.set(shardId, totals)
  }
  return { foldedAtMs: Number(field(value, 'foldedAtMs') ?? 0), shards }
}

export async function writeFoldedDay(
  kv: KVNamespace,
  day: string,
  { foldedAtMs, shards }: FoldedDay,
): Promise<void> {
  const written = Object.fromEntries(Array.from(shards, ([shardId, totals]) => [shardId, encode(totals)]))
  const value = JSON.stringify({ foldedAtMs, shards: written })
  await kv.put(`usage-day:${day}`, value, lifetime(sumOf(shards.values())))
}

/** Takes what is known of a shard into the map; whichever is later stands. */
export function putLater(shards: Shards, shardId: string, totals: Totals): void {
  const known = shards.get(shardId)
  shards.set(shardId, known === undefined ? totals : later(known, totals))
}

function shardName(day: string, shardId: string): string {
  return `usage:${day}:${shardId}`
}

function lifetime(totals: Totals) {
  return { expirationTtl: USAGE_LIFETIME_SECONDS, metadata: encode(totals) }
}
