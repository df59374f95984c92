/** An account books requests apart by their tags, over a real SQLite. */
import { describe, expect, it } from 'vitest'
import { BOOK_MIGRATIONS } from '../../src/accounts/book-schema.ts'
import { TAG_COMBINATIONS_MAX } from '../../src/accounts/book-tags.ts'
import { DAYS_KEPT, OLDER_DATE } from '../../src/accounts/book-usage.ts'
import { LEASE_MS } from '../../src/accounts/book.ts'
import { NO_USAGE } from '../../src/accounts/ledger.ts'
import { DAY_MS, dateOf } from '../../src/calendar.ts'
import { BookRig, costing, entryOf, NO_LIMITS, NOON_MS, ofIsolate, requestOf } from './book-rig.ts'

const TODAY = dateOf(NOON_MS)
const TAGS = '{"team":"search"}'
const OTHER = '{"team":"(other)"}'
const LOG = {
  gatewayId: 'default',
  logId: 'log-1',
  prices: { inputMicroUsd: 1, cachedInputMicroUsd: 1, outputMicroUsd: 1 },
}

/** The tags and figures of each row of today. */
function rowsOf({ book }: BookRig) {
  return book
    .rows(TODAY, TODAY)
    .map(({ tags, requests, costMicroUsd, estimated, pending }) => [
      tags,
      requests,
      costMicroUsd,
      estimated,
      pending,
    ])
}

/** So many requests, each with tags of its own. */
function fill(rig: BookRig, requests: number, nowMs = NOON_MS): void {
  const entries = Array.from({ length: requests }, (_, at) =>
    ofIsolate(`f${at}`, nowMs, { tags: `{"team":"t${String(at).padStart(4, '0')}"}` }),
  )
  rig.book.settle({ writerId: `filler${nowMs}`, number: 1, entries }, nowMs)
}

describe('the tags of a request', () => {
  it('give it a row of its own by day, model and tags, and no table one more row', () => {
    const rig = new BookRig()
    const entries = [
      ofIsolate('a', NOON_MS, { tags: TAGS }),
      ofIsolate('b', NOON_MS, { tags: TAGS }),
      ofIsolate('c', NOON_MS),
      ofIsolate('d', NOON_MS, { tags: TAGS, model: 'other' }),
    ]
    rig.book.settle({ writerId: 'w', number: 1, entries }, NOON_MS)
    expect(rowsOf(rig)).toEqual([
      [undefined, 1, 50, 0, 0],
      [TAGS, 2, 100, 0, 0],
      [TAGS, 1, 50, 0, 0],
    ])
    expect(rig.count('recent') + rig.count('requests') + rig.count('writers')).toBe(2)
  })

  it('are those of its admission where its lease ends, and a late settlement replaces that booking', () => {
    const rig = new BookRig()
    rig.book.admit({ ...requestOf('a'), tags: TAGS }, NO_LIMITS, NOON_MS)
    rig.restart()
    rig.book.expireLeases(NOON_MS + LEASE_MS)
    expect(rowsOf(rig)).toEqual([[TAGS, 1, 10, 1, 0]])
    rig.restart()
    rig.settle(entryOf('a', NOON_MS, { tags: TAGS }), NOON_MS + LEASE_MS)
    expect(rowsOf(rig)).toEqual([[TAGS, 1, 50, 0, 0]])
  })

  it('stay where the log corrects it, or where it was never sent', () => {
    const rig = new BookRig()
    rig.settle(ofIsolate('a', NOON_MS, { tags: TAGS, certainty: 'pending', log: LOG }), NOON_MS)
    expect(rowsOf(rig)).toEqual([[TAGS, 1, 50, 0, 1]])
    rig.restart()
    rig.book.correct('a', costing(7), NOON_MS)
    expect(rowsOf(rig)).toEqual([[TAGS, 1, 7, 0, 0]])
    rig.book.admit({ ...requestOf('b'), tags: TAGS }, NO_LIMITS, NOON_MS)
    rig.book.expireLeases(NOON_MS + LEASE_MS)
    rig.settle(entryOf('b', NOON_MS, { tags: TAGS, released: true }), NOON_MS + LEASE_MS)
    expect(rowsOf(rig)).toEqual([[TAGS, 1, 7, 0, 0]])
  })

  it('are none of a refusal', () => {
    const rig = new BookRig()
    const refusals = { limited: [{ atMs: NOON_MS, refused: 3 }], last: [] }
    rig.book.settle(
      { writerId: 'w', number: 1, entries: [ofIsolate('a', NOON_MS, { tags: TAGS })], refusals },
      NOON_MS,
    )
    expect(rig.book.rows(TODAY, TODAY)).toMatchObject([
      { model: '', refused: 3 },
      { tags: TAGS, refused: 0 },
    ])
  })
})

describe('a key with ever new tags', () => {
  it('has a bounded number of combinations a day, and further ones are booked as other', () => {
    const rig = new BookRig()
    fill(rig, TAG_COMBINATIONS_MAX + 20)
    expect(rig.count('usage')).toBe(TAG_COMBINATIONS_MAX + 1)
    expect(rowsOf(rig)[0]).toEqual([OTHER, 20, 20 * 50, 0, 0])
    for (const isRestarted of [false, true]) {
      if (isRestarted) rig.restart()
      // A combination that the day has goes on.
      rig.settle(ofIsolate('known', NOON_MS, { tags: '{"team":"t0000"}' }), NOON_MS)
      rig.settle(ofIsolate('new', NOON_MS, { tags: '{"project":"x","team":"y"}' }), NOON_MS)
    }
    expect(rowsOf(rig).slice(0, 3)).toEqual([
      ['{"project":"(other)","team":"(other)"}', 2, 100, 0, 0],
      [OTHER, 20, 20 * 50, 0, 0],
      ['{"team":"t0000"}', 3, 150, 0, 0],
    ])
    fill(rig, TAG_COMBINATIONS_MAX, NOON_MS + DAY_MS)
    expect(rig.count('usage')).toBe(2 * TAG_COMBINATIONS_MAX + 2)
  })

  it('has corrections and late settlements in the row of the others too', () => {
    const rig = new BookRig()
    rig.book.admit({ ...requestOf('late'), tags: TAGS }, NO_LIMITS, NOON_MS)
    fill(rig, TAG_COMBINATIONS_MAX)
    rig.settle(ofIsolate('a', NOON_MS, { tags: TAGS, certainty: 'pending', log: LOG }), NOON_MS)
    rig.book.expireLeases(NOON_MS + LEASE_MS)
    expect(rowsOf(rig)[0]).toEqual([OTHER, 2, 60, 1, 1])
    rig.restart()
    rig.book.correct('a', costing(7), NOON_MS)
    rig.settle(entryOf('late', NOON_MS, { tags: TAGS }), NOON_MS + LEASE_MS)
    expect(rowsOf(rig)[0]).toEqual([OTHER, 2, 57, 0, 0])
    expect(rig.count('usage')).toBe(TAG_COMBINATIONS_MAX + 1)
  })

  it('has one row a model for all days beyond 400, without tags', () => {
    const rig = new BookRig()
    fill(rig, TAG_COMBINATIONS_MAX)
    const laterMs = NOON_MS + (DAYS_KEPT + 1) * DAY_MS
    rig.book.prune(laterMs)
    expect(rig.book.rows('0000-00-00', '9999-12-31')).toEqual([
      expect.objectContaining({ date: OLDER_DATE, model: 'o3-mini', requests: TAG_COMBINATIONS_MAX }),
    ])
    expect(rig.book.rows(OLDER_DATE, OLDER_DATE)[0]).not.toHaveProperty('tags')
    const budget = { usd: 1, period: 'total' as const }
    expect(rig.book.status({ budget }, laterMs).budget?.bookedMicroUsd).toBe(TAG_COMBINATIONS_MAX * 50)
  })
})

describe('an account of an earlier version', () => {
  it('keeps all its rows, and books on in them', () => {
    const before = BOOK_MIGRATIONS.slice(0, 2)
    const rig = new BookRig(before)
    const put = rig.database.prepare('INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?)')
    const old = ['2026-11-01', TODAY].map((date) => ({
      ...NO_USAGE,
      date,
      model: 'o3-mini',
      requests: 3,
      costMicroUsd: 9,
    }))
    for (const [at, row] of old.entries()) put.run(row.date, row.model, at + 1, 3, 9, JSON.stringify(row))
    for (const statements of BOOK_MIGRATIONS.slice(before.length)) rig.database.exec(statements)
    rig.restart()
    expect(rig.book.rows('0000-00-00', '9999-12-31')).toEqual(old)
    expect([rig.book.revision, rig.book.changedSince(1, 9).rows.length]).toEqual([2, 1])
    rig.settle(ofIsolate('a', NOON_MS), NOON_MS)
    rig.settle(ofIsolate('b', NOON_MS, { tags: TAGS }), NOON_MS)
    expect(rowsOf(rig)).toEqual([
      [undefined, 4, 59, 0, 0],
      [TAGS, 1, 50, 0, 0],
    ])
  })
})
