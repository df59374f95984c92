/**
 * The ledger: what each key took on each day (UTC), as far as this isolate has counted it and KV tells of the others.
 *
 * KV takes one write a second to one key and has no counters, so each isolate writes totals of its own. They are absolute:
 * a write that fails, or that is never made, costs nothing once a later one succeeds. A shard is one memory of one day, and
 * its random name is never used again: an isolate that forgot a day and meets it again must not write smaller totals over
 * its own. A write that KV finishes after it was given up can set its shard back until the next one. Lost is what an isolate that is ended had counted in its last second, or while it could not write.
 */
import { dateOf } from '../calendar.ts'
import { getOrCreate } from '../lru.ts'
import type { WaitUntil } from '../limits/decision.ts'
import { sleep, type Sleep } from '../timeout.ts'
import { withTimeout } from './reach.ts'
import { listTotals, putLater, readFoldedDay, type Shards, writeShard } from './usage-store.ts'
import { NOTHING, sum, sumOf, type Totals } from './usage-totals.ts'

/** Days of keys an isolate remembers, about 1 kB each. The least recently used one is forgotten. */
export const SHARDS_MAX = 5_000
/** Least time between two writes of one shard, ms: what KV allows. */
export const WRITE_SPACING_MS = 1_000
/** A write that takes longer counts as failed, ms. */
export const WRITE_TIMEOUT_MS = 5_000
/** The longest pause after failures, which begin with two seconds and double, ms. */
export const WRITE_PAUSE_MAX_MS = 8_000
/** Sleeps, of a second at most, and writes that one request spends on its totals: the runtime gives it 30 s. */
export const WRITE_TURNS_MAX = 28
/**
 * Requests that care for one shard's totals in a second. Not all: a request that waits is kept in memory, which took a
 * busy isolate 6 % of its CPU time. Not one: the runtime may end a request while it waits.
 */
export const FLUSHERS_MAX = 4
/** Days that are both folded and not, whose records one look reads; of further ones it takes the folded sum alone. */
export const FOLDED_READS_MAX = 400

export interface LedgerOptions {
  /** Ms since 1970. Default `Date.now`. */
  readonly clock?: () => number
  /** Default: a timer. */
  readonly sleep?: Sleep
  /** Names a new shard. Default: a random UUID. */
  readonly createId?: () => string
  /** Called at the first failure in a row of a shard's writes. Default: nothing. */
  readonly onTrouble?: (keyId: string, error: unknown) => void
}

export interface Ledger {
  /** Counts at once, and writes in the background: now, or a second after the last write. */
  add(keyId: string, entry: Partial<Totals>, nowMs: number, waitUntil: WaitUntil): void
  /**
   * The days of a key, or of all with `''`, from one date to another, both included. Rejects where KV fails; takes as long
   * as it takes.
   */
  look(keyId: string, fromDate: string, toDate: string): Promise<UsageView>
  /** Days of keys remembered now. */
  readonly size: number
}

export interface UsageView {
  /** Whether the bounds left nothing out. */
  readonly isComplete: boolean
  /** Totals by `<keyId>:<date>`; what this isolate counted is in them up to the moment of the call. */
  days(): Map<string, Totals>
}

interface Shard {
  readonly keyId: string
  readonly day: string
  readonly id: string
  totals: Totals
  /** Counts the additions; and how many of them are in KV. */
  revision: number
  written: number
  /** Nobody writes before: a write is under way, or was a moment ago, or failed. */
  freeAtMs: number
  failures: number
  /** Requests that care for all that is added until the next write begins, or a second has gone by, and since when. */
  flushers: number
  flushersSinceMs: number
}

export function createLedger(kv: KVNamespace, options: LedgerOptions = {}): Ledger {
  const {
    clock = () => Date.now(),
    sleep: wait = sleep,
    createId = () => crypto.randomUUID(),
    onTrouble,
  } = options
  const shards = new Map<string, Shard>()
  // What no request could write in its time; the next one to come, whosever it is, tries again.
  const unwritten = new Set<Shard>()

  /**
   * One request's care for its shard. It waits for its turn by the clock: a promise of another request may never settle,
   * since that request can be ended while it waits for KV.
   */
  async function write(shard: Shard): Promise<void> {
    const wanted = shard.revision
    for (let turn = 0; turn < WRITE_TURNS_MAX && shard.written < wanted; turn++) {
      const waitMs = shard.freeAtMs - clock()
      if (waitMs > 0) {
        await wait(Math.min(waitMs, WRITE_SPACING_MS))
        continue
      }
      const { totals, revision } = shard
      shard.freeAtMs = clock() + WRITE_TIMEOUT_MS
      // What is added from now on is not in this write.
      shard.flushers = 0
      try {
        await withTimeout(writeShard(kv, shard.day, shard.id, totals), WRITE_TIMEOUT_MS, wait)
        shard.written = revision
        shard.failures = 0
      } catch (error) {
        shard.failures += 1
        if (shard.failures === 1) onTrouble?.(shard.keyId, error)
      }
      shard.freeAtMs = clock() + Math.min(WRITE_SPACING_MS * 2 ** shard.failures, WRITE_PAUSE_MAX_MS)
    }
    if (shard.written === shard.revision) unwritten.delete(shard)
  }

  return {
    add(keyId, entry, nowMs, waitUntil) {
      const day = `${keyId}:${dateOf(nowMs)}`
      const shard = getOrCreate(shards, day, SHARDS_MAX, () => ({
        keyId,
        day,
        id: createId(),
        totals: NOTHING,
        revision: 0,
        written: 0,
        freeAtMs: 0,
        failures: 0,
        flushers: 0,
        flushersSinceMs: 0,
      }))
      shard.totals = sum(shard.totals, entry)
      shard.revision += 1
      const [oldest = shard] = unwritten
      if (unwritten.size < SHARDS_MAX) unwritten.add(shard)
      // Each keeper tries for half a minute; the last one to come must be as young as what it cares for.
      if (nowMs - shard.flushersSinceMs >= WRITE_SPACING_MS) {
        shard.flushers = 0
        shard.flushersSinceMs = nowMs
      }
      if (shard.flushers < FLUSHERS_MAX) {
        shard.flushers += 1
        waitUntil(write(shard))
      }
      if (oldest !== shard && oldest.freeAtMs <= clock()) waitUntil(write(oldest))
    },

    async look(keyId, fromDate, toDate) {
      const scope = keyId && `${keyId}:${commonStart(fromDate, toDate)}`
      const isWanted = (day: string): boolean =>
        day.startsWith(scope) && day.slice(-10) >= fromDate && day.slice(-10) <= toDate
      const folded = new Map<string, Totals>()
      const live = new Map<string, Shards>()
      const join = (day: string, shardId: string, totals: Totals): void => {
        if (isWanted(day)) putLater(getOrCreate(live, day, Infinity, newShards), shardId, totals)
      }
      const joinOwn = (): void => {
        for (const { day, id, totals } of shards.values()) join(day, id, totals)
      }
      const isAllLive = await listTotals(kv, 'usage', scope, join)
      const isAllFolded = await listTotals(kv, 'usage-day', scope, (day, _, totals) => {
        if (isWanted(day)) folded.set(day, totals)
      })
      joinOwn()
      // Which of its shards a folded day has counted already is in its value.
      const doubtful = [...live.keys()].filter((day) => folded.has(day))
      for (const day of doubtful.slice(0, FOLDED_READS_MAX)) {
        folded.delete(day)
        for (const [shardId, totals] of (await readFoldedDay(kv, day)).shards) join(day, shardId, totals)
      }
      return {
        isComplete: isAllLive && isAllFolded && doubtful.length <= FOLDED_READS_MAX,
        days() {
          joinOwn()
          const days = new Map<string, Totals>()
          for (const [day, counted] of live) days.set(day, sumOf(counted.values()))
          for (const [day, totals] of folded) days.set(day, totals)
          return days
        },
      }
    },

    get size() {
      return shards.size
    },
  }
}

function newShards(): Shards {
  return new Map()
}

/** What both dates begin with: a day, a month or a year is listed without the others. */
function commonStart(one: string, other: string): string {
  let length = 0
  while (length < one.length && one[length] === other[length]) length += 1
  return one.slice(0, length)
}
