/**
 * Folds the ledger's past days: all shards of a key's day become one record. For the Worker's `scheduled` handler.
 *
 * The record holds each shard's totals by the shard's name, and totals only grow, so to fold is to take the later of what
 * the record and the shard say: whoever does it again, at the same time, or after a run that died anywhere, gets the same.
 * Shards are deleted by a later run, when every location sees the record that has them; until then a reader takes the two
 * together in the same way, and never counts a shard twice.
 */
import { dateOf } from '../calendar.ts'
import { causeOf, log } from '../log.ts'
import {
  deleteShard,
  listTotals,
  putLater,
  readFoldedDay,
  type Shards,
  writeFoldedDay,
} from './usage-store.ts'

/** A day is folded from 02:00 UTC of the next one on: nobody writes to it any more, and every write has spread. */
export const FOLD_AFTER_MS = 2 * 3_600_000
/** How old a record must be before its shards are deleted, ms. KV shows a change everywhere in a minute or so. */
export const FOLD_REST_MS = 1_800_000
/** KV operations of one run beside its listing, which has at most 200: a Worker may make 1,000. The next run goes on. */
export const FOLD_OPERATIONS_MAX = 780
/** Days that may fail before a run is given up: KV is down then. */
export const FOLD_FAILURES_MAX = 5

/** One run. Rejects where KV fails; what it has not done is left to the next. */
export async function foldPastDays(kv: KVNamespace, nowMs: number): Promise<void> {
  const unfoldedFrom = dateOf(nowMs - FOLD_AFTER_MS)
  const days = new Map<string, Shards>()
  await listTotals(kv, 'usage', '', (day, shardId, totals) => {
    if (day.slice(-10) < unfoldedFrom) days.set(day, (days.get(day) ?? new Map()).set(shardId, totals))
  })
  let operationsLeft = FOLD_OPERATIONS_MAX
  let failures = 0
  for (const [day, shards] of days) {
    if (operationsLeft < 2) return
    try {
      operationsLeft -= await foldDay(kv, day, shards, nowMs, operationsLeft)
    } catch (error) {
      failures += 1
      if (failures === FOLD_FAILURES_MAX) throw error
      // One record that cannot be read must not keep the days after it waiting for ever.
      log({ event: 'trouble', what: 'usage_fold', keyId: day, cause: causeOf(error) })
    }
  }
}

/** Returns how many operations it made; at least two may be. */
async function foldDay(
  kv: KVNamespace,
  day: string,
  live: Shards,
  nowMs: number,
  operationsMax: number,
): Promise<number> {
  const { foldedAtMs, shards } = await readFoldedDay(kv, day)
  const before = JSON.stringify([...shards.values()])
  for (const [shardId, totals] of live) putLater(shards, shardId, totals)
  if (JSON.stringify([...shards.values()]) !== before) {
    await writeFoldedDay(kv, day, { foldedAtMs: nowMs, shards })
    return 2
  }
  if (nowMs - foldedAtMs < FOLD_REST_MS) return 1
  const done = [...live.keys()].slice(0, operationsMax - 1)
  for (const shardId of done) await deleteShard(kv, day, shardId)
  return done.length + 1
}
