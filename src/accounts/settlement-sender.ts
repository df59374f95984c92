/**
 * Sends settlements to the keys' accounts behind the answers: those of admitted requests at once, the others in batches.
 *
 * A batch that got no answer is sent again unchanged, with its number, and so the account counts it once. What an isolate
 * that ends had not sent is lost.
 */
import type { WaitUntil } from '../limits/decision.ts'
import { type raceTimeout, type Sleep, TIMED_OUT } from '../timeout.ts'
import type { SettlementBatch, SettlementEntry } from './protocol.ts'
import type { RefusedRecord } from './request-record.ts'
import {
  BATCH_SPACING_MS,
  SETTLE_TIMEOUT_MS,
  SettlementQueue,
  WAITING_MAX,
  type FlushWindow,
} from './settlement-queue.ts'

/** Keys with a queue in an isolate, about 500 bytes each and their settlements. The least recently used one is evicted. */
export const QUEUES_MAX = 5_000
/** Settlements that wait for all keys together, about 400 bytes each. */
export const WAITING_TOTAL_MAX = 40_000
/**
 * Requests that begin to flush a key's settlements in one flush window. A waiting request is kept in memory, so not all of
 * them wait. The runtime may end a waiting request, so one is too few. Further requests begin only where they send at once.
 */
export const FLUSHERS_MAX = 4
/** The length of a flush window, ms. */
export const FLUSH_WINDOW_MS = 1_000
/** How long one request flushes settlements, ms. The runtime gives it 30 s behind the answer. */
export const FLUSH_MAX_MS = 28_000
/** Sleeps and calls of one flusher at most, for a clock that stands still. */
export const FLUSH_TURNS_MAX = 250

export type SettleTrouble = 'settle' | 'settlements_dropped'

export interface SenderOptions {
  settle(keyId: string, batch: SettlementBatch): Promise<unknown>
  readonly clock: () => number
  readonly sleep: Sleep
  readonly raceTimeout: typeof raceTimeout
  /** Names a new queue. */
  readonly createId: () => string
  /** Called at the first failure in a row of a key, and at the first drop until its queue is empty. */
  readonly onTrouble: (what: SettleTrouble, keyId: string, cause: unknown) => void
}

export interface SettlementSender {
  /** Queues at once and sends in the background: now with `atOnce`, else a quarter of a second after the last batch. */
  book(
    keyId: string,
    entry: SettlementEntry,
    nowMs: number,
    waitUntil: WaitUntil,
    options: { atOnce: boolean },
  ): void
  /** Reports a refusal in the background: with the next settlement, else a second after the last report, and ever later in a flood. */
  reportRefusal(keyId: string, refused: RefusedRecord, nowMs: number, waitUntil: WaitUntil): void
  /** Queues remembered now. */
  readonly size: number
  /** Settlements that no account has confirmed yet. */
  readonly waiting: number
}

export function createSettlementSender(options: SenderOptions): SettlementSender {
  const { clock, sleep, raceTimeout, onTrouble } = options
  // Empty queues in the order of their last use, and the others in the order of their last failure.
  const empty = new Map<string, SettlementQueue>()
  const unsent = new Map<string, SettlementQueue>()
  let waiting = 0

  function queueOf(keyId: string): SettlementQueue {
    const known = unsent.get(keyId) ?? empty.get(keyId)
    if (known !== undefined) return known
    if (empty.size + unsent.size >= QUEUES_MAX) forgetOne()
    // Each memory is a writer of its own: a evicted key that comes back must not use a number a second time.
    return new SettlementQueue(keyId, options.createId())
  }

  function forgetOne(): void {
    const [oldestEmpty] = empty.keys()
    if (oldestEmpty !== undefined) {
      empty.delete(oldestEmpty)
      return
    }
    const [oldest] = unsent.values()
    if (oldest === undefined) return
    unsent.delete(oldest.keyId)
    waiting -= oldest.unconfirmed
    drop(oldest, `${oldest.unconfirmed} settlements of a evicted key`)
  }

  function drop(queue: SettlementQueue, cause: string): void {
    if (!queue.hasDropped) onTrouble('settlements_dropped', queue.keyId, new Error(cause))
    queue.hasDropped = true
  }

  /** A flusher waits by the clock, since a promise of another request may never settle. */
  async function flush(queue: SettlementQueue, flushWindow: FlushWindow, isLast: boolean): Promise<void> {
    const untilMs = clock() + FLUSH_MAX_MS
    let hasSent = false
    for (let turn = 0; turn < FLUSH_TURNS_MAX; turn++) {
      const nowMs = clock()
      if (nowMs >= untilMs) return
      // The last flusher of a window stays for what is still added in it. The sender of a batch goes on with urgent ones.
      const isWindowOpen =
        isLast && nowMs >= flushWindow.sinceMs && nowMs - flushWindow.sinceMs < FLUSH_WINDOW_MS
      const isNeeded = queue.confirmed < flushWindow.lastAdded || (hasSent && queue.isUrgent)
      if (!isNeeded && !isWindowOpen) return
      const waitMs = queue.waitMs(nowMs)
      hasSent = waitMs === 0
      if (hasSent) await send(queue)
      else await sleep(Math.min(waitMs, BATCH_SPACING_MS))
    }
  }

  async function send(queue: SettlementQueue): Promise<void> {
    const { batch, attempt } = queue.begin(clock())
    let cause: unknown = new Error(`no answer within ${SETTLE_TIMEOUT_MS} ms`)
    try {
      const reply = await raceTimeout(settle(queue.keyId, batch), SETTLE_TIMEOUT_MS)
      if (reply !== TIMED_OUT) {
        noteConfirmed(queue, queue.succeed(attempt))
        return
      }
    } catch (error) {
      cause = error
    }
    if (queue.fail(attempt, clock()) === 1) onTrouble('settle', queue.keyId, cause)
    // Another key's queue is the next one that requests of any key flush.
    if (unsent.get(queue.keyId) === queue) {
      unsent.delete(queue.keyId)
      unsent.set(queue.keyId, queue)
    }
  }

  // Turns an error thrown at once into a rejection.
  async function settle(keyId: string, batch: SettlementBatch): Promise<unknown> {
    return options.settle(keyId, batch)
  }

  function noteConfirmed(queue: SettlementQueue, confirmed: number): void {
    if (unsent.get(queue.keyId) !== queue) return
    waiting -= confirmed
    if (queue.unconfirmed > 0) return
    unsent.delete(queue.keyId)
    empty.set(queue.keyId, queue)
  }

  function care(queue: SettlementQueue, nowMs: number, waitUntil: WaitUntil): void {
    const flushWindow = queue.extendFlushWindow(nowMs, FLUSH_WINDOW_MS)
    if (flushWindow.flushers < FLUSHERS_MAX) {
      flushWindow.flushers += 1
      waitUntil(flush(queue, flushWindow, flushWindow.flushers === FLUSHERS_MAX))
    } else if (queue.isUrgent && queue.waitMs(nowMs) === 0) {
      waitUntil(flush(queue, flushWindow, false))
    }
  }

  return {
    book(keyId, entry, nowMs, waitUntil, { atOnce }) {
      const queue = queueOf(keyId)
      empty.delete(keyId)
      if (queue.unconfirmed >= WAITING_MAX || waiting >= WAITING_TOTAL_MAX) {
        drop(queue, `${queue.unconfirmed} settlements wait for this key, ${waiting} for all`)
      } else {
        queue.add(entry, atOnce)
        waiting += 1
      }
      if (queue.unconfirmed === 0) empty.set(keyId, queue)
      else if (!unsent.has(keyId)) unsent.set(keyId, queue)
      const stalest = unsent.values().next().value
      care(queue, nowMs, waitUntil)
      if (stalest !== undefined && stalest !== queue && stalest.isStalled(nowMs)) {
        care(stalest, nowMs, waitUntil)
      }
    },

    reportRefusal(keyId, refused, nowMs, waitUntil) {
      const queue = queueOf(keyId)
      const begins = queue.addRefusal(refused)
      if (begins) {
        waiting += 1
        empty.delete(keyId)
        if (!unsent.has(keyId)) unsent.set(keyId, queue)
      }
      // One request of a flood waits for the report, and the others end.
      if (begins || queue.isStalled(nowMs)) care(queue, nowMs, waitUntil)
    },

    get size() {
      return empty.size + unsent.size
    },

    get waiting() {
      return waiting
    },
  }
}
