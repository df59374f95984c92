/** What the book of an account remembers of single requests and minutes, over a real SQLite. */
import { describe, expect, it } from 'vitest'
import { BATCHES_KEPT, KEPT_OF_BATCH, LISTED_MAX } from '../../src/accounts/book-recent.ts'
import { MINUTES_DAYS_KEPT, MINUTES_OPEN } from '../../src/accounts/book-minutes.ts'
import type { RefusedRecord } from '../../src/accounts/request-record.ts'
import { DAY_MS } from '../../src/calendar.ts'
import { BookRig, entryOf, NOON_MS, ofIsolate } from './book-rig.ts'

const MINUTE_MS = 60_000
const minuteAt = (timeMs: number): number => timeMs / MINUTE_MS
const idsOf = ({ book }: BookRig) => book.history.list().map(({ requestId }) => requestId)

function refusedRecord(requestId: string, atMs: number): RefusedRecord {
  const limit = { name: 'requests', limit: 1, used: 1 }
  return { kind: 'refused', requestId, atMs, status: 429, code: 'rate_limit_exceeded', limit }
}

describe('the last requests of a key', () => {
  it('are the newest 200, however many came in a batch', () => {
    const rig = new BookRig()
    for (let at = 0; at < BATCHES_KEPT + 5; at++) rig.settle(ofIsolate(`a${at}`, NOON_MS + at), NOON_MS + at)
    rig.restart()
    expect(idsOf(rig)).toEqual(Array.from({ length: LISTED_MAX }, (_, at) => `a${204 - at}`))
    expect(['a4', 'a5'].map((id) => rig.book.history.find(id))).toMatchObject([null, { requestId: 'a5' }])
    const entries = Array.from({ length: KEPT_OF_BATCH + 1 }, (_, at) =>
      ofIsolate(`b${at}`, NOON_MS + 999 + at),
    )
    rig.book.settle({ writerId: 'w', number: 1, entries }, NOON_MS + 2_000)
    expect(idsOf(rig)).toEqual(Array.from({ length: LISTED_MAX }, (_, at) => `b${200 - at}`))
    expect(rig.count('recent')).toBe(BATCHES_KEPT)
  })

  it('have how each ended, and those that were refused', () => {
    const rig = new BookRig()
    const end = { status: 502, reason: 'upstream_broken', firstOutputMs: null, durationMs: 7, logId: 'log-1' }
    const refusals = { limited: [{ atMs: NOON_MS, refused: 3 }], last: [refusedRecord('r', NOON_MS + 1)] }
    const entries = [ofIsolate('a', NOON_MS, { end })]
    rig.book.settle({ writerId: 'w', number: 1, entries, refusals }, NOON_MS + 5)
    rig.book.settle({ writerId: 'w', number: 1, entries, refusals }, NOON_MS + 6)
    expect(rig.book.history.list()).toEqual([
      refusedRecord('r', NOON_MS + 1),
      expect.objectContaining({ kind: 'settled', requestId: 'a', end, booked: entries[0]?.booked }),
    ])
    expect(rig.book.history.minutes(NOON_MS)).toMatchObject([{ requests: 1, refused: 3 }])
    expect(rig.book.rows('0000-00-00', '9999-12-31')).toMatchObject([
      { model: '', requests: 0, refused: 3, costMicroUsd: 0 },
      { model: 'o3-mini', requests: 1, refused: 0 },
    ])
    expect(rig.book.status({ requestsPerDay: 9 }, NOON_MS).requestsPerDay).toMatchObject({ used: 1 })
  })

  it('do not have a request twice, and none that was released', () => {
    const rig = new BookRig()
    rig.settle(entryOf('a', NOON_MS), NOON_MS)
    rig.settle(entryOf('a', NOON_MS), NOON_MS)
    rig.settle(entryOf('b', NOON_MS, { released: true }), NOON_MS)
    expect(idsOf(rig)).toEqual(['a'])
  })

  it('are found by the whole id alone', () => {
    const rig = new BookRig()
    rig.settle(entryOf('abc', NOON_MS), NOON_MS)
    expect(['abc', 'ab', '"', 'requestId'].map((id) => rig.book.history.find(id)?.requestId)).toEqual([
      'abc',
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('the minutes of a key', () => {
  it('are counted by the time of admission, and written once when they are over', () => {
    const rig = new BookRig()
    for (let at = 0; at < 90; at++) {
      const settledAtMs = NOON_MS + at * 20_000
      rig.settle(ofIsolate(`a${at}`, settledAtMs), settledAtMs)
    }
    rig.restart()
    const lastMs = NOON_MS + 29 * MINUTE_MS
    const counts = { requests: 3, refused: 0, tokens: 15, costMicroUsd: 150 }
    expect(rig.book.history.minutes(lastMs)).toEqual(
      Array.from({ length: 30 }, (_, at) => ({ minute: minuteAt(NOON_MS) + at, ...counts })),
    )
    expect(rig.count('minutes')).toBe(30 - MINUTES_OPEN - 1)
  })

  it('take a late settlement too', () => {
    const rig = new BookRig()
    rig.settle(ofIsolate('a', NOON_MS), NOON_MS)
    const laterMs = NOON_MS + 60 * MINUTE_MS
    rig.settle(ofIsolate('b', laterMs), laterMs)
    rig.settle(ofIsolate('c', NOON_MS), laterMs)
    expect(rig.book.history.minutes(laterMs)).toMatchObject([
      { minute: minuteAt(NOON_MS), requests: 2 },
      { minute: minuteAt(laterMs), requests: 1 },
    ])
  })

  it('stay for eight days, and no isolate whose clock is wrong can write over them', () => {
    const rig = new BookRig()
    const keptMs = MINUTES_DAYS_KEPT * DAY_MS
    rig.settle(ofIsolate('a', NOON_MS), NOON_MS)
    rig.settle(ofIsolate('b', NOON_MS + DAY_MS), NOON_MS + DAY_MS)
    rig.settle(ofIsolate('c', NOON_MS - 30 * DAY_MS), NOON_MS + DAY_MS)
    expect(rig.book.history.minutes(NOON_MS + keptMs - MINUTE_MS)[0]).toMatchObject({
      minute: minuteAt(NOON_MS),
    })
    expect(rig.book.history.minutes(NOON_MS + keptMs)).toMatchObject([{ minute: minuteAt(NOON_MS + DAY_MS) }])
    rig.settle(ofIsolate('d', NOON_MS + keptMs), NOON_MS + keptMs)
    rig.settle(ofIsolate('e', NOON_MS + keptMs + DAY_MS), NOON_MS + keptMs + DAY_MS)
    expect(rig.count('minutes')).toBe(3)
  })
})
