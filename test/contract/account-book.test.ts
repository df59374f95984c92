/** The book of a key's account, over a real SQLite. */
import { describe, expect, it } from 'vitest'
import { DAY_MS, dateOf } from '../../src/calendar.ts'
import { BookRig, costing, entryOf, NO_LIMITS, NOON_MS, ofIsolate, requestOf } from './book-rig.ts'

const TODAY = dateOf(NOON_MS)
const MINUTE_MS = 60_000
const LOG = {
  gatewayId: 'default',
  logId: 'log-1',
  prices: { inputMicroUsd: 1, cachedInputMicroUsd: 1, outputMicroUsd: 1 },
}
const today = ({ book }: BookRig) => book.rows(TODAY, TODAY)

describe('the book of an account', () => {
  it('books a request that it admitted, and frees its place', () => {
    const rig = new BookRig()
    const limits = { concurrentRequests: 1, budget: { usd: 1, period: 'day' as const } }
    expect(rig.book.admit(requestOf('a'), limits, NOON_MS)).toMatchObject({
      admitted: true,
      leaseUntilMs: NOON_MS + 15 * MINUTE_MS,
      status: { concurrentRequests: { remaining: 0 }, budget: { underWayMicroUsd: 100 } },
    })
    expect(rig.book.admit(requestOf('b'), limits, NOON_MS)).toMatchObject({
      admitted: false,
      refusal: { reason: 'concurrent_requests' },
      limits,
    })
    rig.settle(entryOf('a', NOON_MS), NOON_MS + 1_000)
    expect(today(rig)).toMatchObject([{ requests: 1, costMicroUsd: 50, promptTokens: 5, estimated: 0 }])
    expect(rig.book.status(limits, NOON_MS + 1_000)).toMatchObject({
      concurrentRequests: { used: 0 },
      budget: { bookedMicroUsd: 50, underWayMicroUsd: 0 },
    })
    expect(rig.book.nextDueMs()).toBeNull()
  })

  it('counts an admission once that is asked for twice', () => {
    const rig = new BookRig()
    rig.book.admit(requestOf('a'), NO_LIMITS, NOON_MS)
    const limits = { requestsPerDay: 1 }
    expect(rig.book.admit(requestOf('a'), limits, NOON_MS)).toMatchObject({
      admitted: true,
      status: { requestsPerDay: { used: 1 } },
    })
  })

  it('counts a batch once, by its writer and number', () => {
    const rig = new BookRig()
    const batch = { writerId: 'w', number: 1, entries: [ofIsolate('a', NOON_MS), ofIsolate('b', NOON_MS)] }
    rig.book.settle(batch, NOON_MS)
    rig.restart()
    rig.book.settle({ ...batch, entries: [ofIsolate('c', NOON_MS)] }, NOON_MS)
    expect(today(rig)).toMatchObject([{ requests: 2, costMicroUsd: 100 }])
    rig.book.settle({ ...batch, writerId: 'v' }, NOON_MS)
    rig.book.settle({ ...batch, number: 2 }, NOON_MS)
    expect(today(rig)).toMatchObject([{ requests: 6, costMicroUsd: 300 }])
  })

  it('counts a request once that the account has admitted, in whatever batch its end comes', () => {
    const rig = new BookRig()
    const entries = [entryOf('a', NOON_MS), entryOf('b', NOON_MS, { certainty: 'pending', log: LOG })]
    rig.book.settle({ writerId: 'w', number: 1, entries }, NOON_MS)
    rig.restart()
    rig.book.settle({ writerId: 'w', number: 1, entries }, NOON_MS)
    rig.book.settle({ writerId: 'v', number: 7, entries }, NOON_MS)
    expect(today(rig)).toMatchObject([{ requests: 2, costMicroUsd: 100, pending: 1 }])
    expect(rig.book.history.list()).toHaveLength(2)
  })

  it('writes one row for all requests of a batch that isolates have admitted, and one for each that is pending', () => {
    const rig = new BookRig()
    const entries = Array.from({ length: 500 }, (_, at) => ofIsolate(`a${at}`, NOON_MS))
    const pending = ofIsolate('p', NOON_MS, { certainty: 'pending', log: LOG })
    rig.book.settle({ writerId: 'w', number: 1, entries: [...entries, pending] }, NOON_MS)
    const tables = ['requests', 'recent', 'usage', 'writers', 'minutes'] as const
    expect(tables.map((table) => rig.count(table))).toEqual([1, 1, 1, 1, 0])
    rig.book.correct('p', costing(9), NOON_MS)
    expect(today(rig)).toMatchObject([{ requests: 501, costMicroUsd: 500 * 50 + 9, pending: 0 }])
  })

  it('books the expected usage once a lease has ended, and replaces it by a late settlement', () => {
    const rig = new BookRig()
    rig.book.admit(requestOf('a'), NO_LIMITS, NOON_MS)
    rig.book.renew(['a', 'unknown'], NOON_MS + MINUTE_MS)
    const endMs = NOON_MS + 16 * MINUTE_MS
    rig.book.expireLeases(endMs - 1)
    expect(today(rig)).toEqual([])
    expect(rig.book.nextDueMs()).toBe(endMs)
    rig.book.expireLeases(endMs)
    expect(today(rig)).toMatchObject([{ requests: 1, costMicroUsd: 10, estimated: 1, estimatedMicroUsd: 10 }])
    rig.restart()
    rig.book.correct('a', costing(9), endMs)
    rig.settle(entryOf('a', NOON_MS), endMs + 1)
    rig.settle(entryOf('a', NOON_MS), endMs + 2)
    expect(today(rig)).toMatchObject([{ requests: 1, costMicroUsd: 50, estimated: 0, estimatedMicroUsd: 0 }])
  })

  it('frees the place of a request that was never sent, also when the release comes first', () => {
    const rig = new BookRig()
    const limits = { concurrentRequests: 1, requestsPerDay: 1 }
    rig.book.admit(requestOf('a'), limits, NOON_MS)
    rig.settle(entryOf('a', NOON_MS, { released: true }), NOON_MS)
    rig.settle(entryOf('b', NOON_MS, { released: true }), NOON_MS)
    rig.restart()
    rig.book.admit(requestOf('b'), limits, NOON_MS)
    expect(today(rig)).toEqual([])
    expect(rig.book.admit(requestOf('c'), limits, NOON_MS)).toMatchObject({ admitted: true })
    rig.book.prune(NOON_MS + 60 * MINUTE_MS)
    expect(rig.count('requests')).toBe(3)
    rig.book.prune(NOON_MS + 60 * MINUTE_MS + 1)
    expect(rig.count('requests')).toBe(1)
  })

  it('counts neither the request nor the tokens of the minute of a request that was never sent', () => {
    const rig = new BookRig()
    const limits = { requestsPerMinute: 1, tokensPerMinute: 10 }
    rig.book.admit(requestOf('a'), limits, NOON_MS)
    expect(rig.book.admit(requestOf('b'), limits, NOON_MS)).toMatchObject({ admitted: false })
    rig.settle(entryOf('a', NOON_MS, { released: true }), NOON_MS + 1)
    rig.restart()
    expect(rig.book.admit(requestOf('c'), limits, NOON_MS + 2)).toMatchObject({ admitted: true })
    expect(rig.book.admit(requestOf('d'), limits, NOON_MS + 2)).toMatchObject({ admitted: false })
  })

  it('takes an expired booking out again if the request was never sent', () => {
    const rig = new BookRig()
    rig.book.admit(requestOf('a'), NO_LIMITS, NOON_MS)
    rig.book.expireLeases(NOON_MS + 15 * MINUTE_MS)
    rig.settle(entryOf('a', NOON_MS, { released: true }), NOON_MS + 16 * MINUTE_MS)
    expect(today(rig)).toMatchObject([{ requests: 0, costMicroUsd: 0, estimated: 0, estimatedMicroUsd: 0 }])
  })

  it('asks for a pending usage after 5 s, 30 s, 5 min and 1 h, and then keeps the estimate', () => {
    const rig = new BookRig()
    rig.settle(entryOf('a', NOON_MS, { certainty: 'pending', log: LOG }), NOON_MS)
    expect(today(rig)).toMatchObject([{ pending: 1, estimatedMicroUsd: 50 }])
    let nowMs = NOON_MS
    for (const pauseMs of [5_000, 30_000, 300_000, 3_600_000]) {
      rig.restart()
      expect(rig.book.nextDueMs()).toBe(nowMs + pauseMs)
      expect(rig.book.duePending(nowMs + pauseMs - 1)).toEqual([])
      nowMs += pauseMs
      expect(rig.book.duePending(nowMs)).toMatchObject([{ requestId: 'a', log: LOG }])
      rig.book.correct('a', null, nowMs)
    }
    expect(rig.book.nextDueMs()).toBeNull()
    expect(today(rig)).toMatchObject([{ pending: 0, estimated: 1, estimatedMicroUsd: 50 }])
  })

  it('puts the true usage in place of a pending one, once', () => {
    const rig = new BookRig()
    rig.settle(entryOf('a', NOON_MS, { certainty: 'pending', log: LOG }), NOON_MS)
    rig.book.correct('a', costing(7, 3), NOON_MS + 5_000)
    rig.book.correct('a', costing(9, 9), NOON_MS + 5_000)
    expect(today(rig)).toMatchObject([{ pending: 0, estimated: 0, costMicroUsd: 7, promptTokens: 3 }])
  })

  it('books a pending usage without a log entry as estimated', () => {
    const rig = new BookRig()
    rig.settle(entryOf('a', NOON_MS, { certainty: 'pending' }), NOON_MS)
    expect(today(rig)).toMatchObject([{ pending: 0, estimated: 1 }])
    expect(rig.book.nextDueMs()).toBeNull()
  })

  it('books on the day of the admission, but at most two days back and never ahead', () => {
    const rig = new BookRig()
    rig.settle(entryOf('a', NOON_MS - DAY_MS), NOON_MS)
    rig.settle(entryOf('b', 0), NOON_MS)
    rig.settle(entryOf('c', NOON_MS + 9 * DAY_MS), NOON_MS)
    const dates = rig.book.rows('0000-00-00', '9999-12-31').map(({ date }) => date)
    expect(dates).toEqual([dateOf(NOON_MS - 2 * DAY_MS), dateOf(NOON_MS - DAY_MS), TODAY])
  })

  it('counts a budget by day, by month and over the life of the key', () => {
    const rig = new BookRig()
    rig.settle(entryOf('a', NOON_MS), NOON_MS)
    const booked = (period: 'day' | 'month' | 'total', nowMs: number) =>
      rig.book.status({ budget: { usd: 1, period } }, nowMs).budget?.bookedMicroUsd
    const periods = ['day', 'month', 'total'] as const
    expect(periods.map((period) => booked(period, NOON_MS))).toEqual([50, 50, 50])
    expect(periods.map((period) => booked(period, NOON_MS + DAY_MS))).toEqual([0, 50, 50])
    rig.settle(entryOf('b', NOON_MS + 9 * DAY_MS), NOON_MS + 9 * DAY_MS)
    expect(periods.map((period) => booked(period, NOON_MS + 9 * DAY_MS))).toEqual([50, 50, 100])
  })

  it('tells which totals have changed since a revision', () => {
    const rig = new BookRig()
    rig.settle(entryOf('a', NOON_MS), NOON_MS)
    const { revision } = rig.book
    rig.settle(entryOf('b', NOON_MS + DAY_MS), NOON_MS + DAY_MS)
    rig.restart()
    const changed = { date: dateOf(NOON_MS + DAY_MS), requests: 1 }
    expect(rig.book.changedSince(revision, 9)).toMatchObject({ revision: revision + 1, rows: [changed] })
    expect(rig.book.changedSince(rig.book.revision, 9).rows).toEqual([])
  })

  it('tells many changes a part at a time, each with all rows of its last revision', () => {
    const rig = new BookRig()
    for (let at = 0; at < 5; at++) {
      const nowMs = NOON_MS + at * DAY_MS
      const entries = ['a', 'b', 'c'].map((model) => ofIsolate(`${at}${model}`, nowMs, { model }))
      for (const writerId of ['w', 'v']) rig.book.settle({ writerId, number: at + 1, entries }, nowMs)
    }
    const parts = [0, 2, 4, 6, 8].map((since) => rig.book.changedSince(since, 2))
    expect(parts.map(({ revision, rows }) => [revision, rows.length])).toEqual([
      [2, 3],
      [4, 3],
      [6, 3],
      [8, 3],
      [10, 3],
    ])
    expect(rig.book.changedSince(4, 3).rows).toHaveLength(3)
    expect(rig.book.changedSince(4, 4).rows).toHaveLength(6)
    expect(rig.book.changedSince(0, 99)).toMatchObject({ revision: 10 })
  })

  it('forgets what is old, and folds days beyond 400 into one row a model', () => {
    const rig = new BookRig()
    for (let at = 0; at < 205; at++) rig.settle(entryOf(`a${at}`, NOON_MS + at), NOON_MS + at)
    rig.settle(entryOf('b', NOON_MS + DAY_MS), NOON_MS + DAY_MS)
    rig.book.prune(NOON_MS + DAY_MS)
    expect(rig.count('requests')).toBe(206)
    rig.book.prune(NOON_MS + 2 * DAY_MS + 1)
    expect([rig.count('requests'), rig.count('writers')]).toEqual([0, 0])
    const laterMs = NOON_MS + 402 * DAY_MS
    rig.book.prune(laterMs)
    const { revision } = rig.book
    rig.book.prune(laterMs)
    expect(rig.book.revision).toBe(revision)
    expect(rig.book.rows('0000-00-00', '9999-12-31')).toMatchObject([
      { date: '0000-00-00', model: 'o3-mini', requests: 206, costMicroUsd: 206 * 50 },
    ])
    const budget = { usd: 1, period: 'total' as const }
    expect(rig.book.status({ budget }, laterMs).budget?.bookedMicroUsd).toBe(206 * 50)
  })

  it('keeps a row of its own for each of 400 days', () => {
    const rig = new BookRig()
    rig.settle(entryOf('a', NOON_MS), NOON_MS)
    rig.book.prune(NOON_MS + 400 * DAY_MS)
    expect(today(rig)).toHaveLength(1)
  })

  it('rebuilds the minute of requests and tokens after a restart', () => {
    const rig = new BookRig()
    const limits = { requestsPerMinute: 2, tokensPerMinute: 100 }
    rig.book.admit(requestOf('z'), limits, NOON_MS)
    rig.book.admit(requestOf('b', 100, 80), limits, NOON_MS + 10_000)
    rig.settle(entryOf('b', NOON_MS, { booked: costing(1, 20) }), NOON_MS + 11_000)
    rig.restart()
    expect(rig.book.admit(requestOf('c'), limits, NOON_MS + 20_000)).toMatchObject({
      refusal: { reason: 'requests', retryAfterMs: 40_000 },
      status: { tokens: { used: 30 } },
    })
  })

  it('counts a request of a clock that stepped back at the latest time, also after a restart', () => {
    const rig = new BookRig()
    const limits = { requestsPerMinute: 2 }
    rig.book.admit(requestOf('a'), limits, NOON_MS + 30_000)
    rig.book.admit(requestOf('b'), limits, NOON_MS)
    rig.restart()
    expect(rig.book.status(limits, NOON_MS + 65_000)).toMatchObject({ requests: { used: 2 } })
  })

  it('gives the place of a lost request away once its lease has ended', () => {
    const rig = new BookRig()
    const limits = { concurrentRequests: 1 }
    rig.book.admit(requestOf('a'), limits, NOON_MS)
    expect(rig.book.admit(requestOf('b'), limits, NOON_MS + 15 * MINUTE_MS - 1).admitted).toBe(false)
    expect(rig.book.admit(requestOf('b'), limits, NOON_MS + 15 * MINUTE_MS).admitted).toBe(true)
  })

  it('refuses what does not fit beside the worst cases under way, and what finds nothing left', () => {
    const rig = new BookRig()
    const limits = { budget: { usd: 0.000_15, period: 'total' as const }, tokensPerMinute: 100 }
    expect(rig.book.admit(requestOf('a'), limits, NOON_MS).admitted).toBe(true)
    expect(rig.book.admit(requestOf('b', 51), limits, NOON_MS)).toMatchObject({
      refusal: { reason: 'budget_under_way', used: 100, fitting: 2 },
    })
    expect(rig.book.admit(requestOf('b', 50), limits, NOON_MS).admitted).toBe(true)
    rig.settle(entryOf('a', NOON_MS, { booked: costing(150) }), NOON_MS)
    expect(rig.book.admit(requestOf('c', 1), limits, NOON_MS)).toMatchObject({
      refusal: { reason: 'budget_spent' },
    })
  })

  it('reserves the worst case of a pending request until its usage is known, or the log was asked twice', () => {
    const rig = new BookRig()
    const limits = { budget: { usd: 0.000_3, period: 'day' as const } }
    const isAdmitted = (requestId: string, nowMs: number) =>
      rig.book.admit(requestOf(requestId), limits, nowMs).admitted
    const ids = ['a', 'b', 'c']
    expect(ids.map((id) => isAdmitted(id, NOON_MS))).toEqual([true, true, true])
    for (const id of ids)
      rig.settle(entryOf(id, NOON_MS, { booked: costing(10), certainty: 'pending', log: LOG }), NOON_MS)
    expect(isAdmitted('d', NOON_MS)).toBe(false)
    rig.book.correct('a', costing(100), NOON_MS + 5_000)
    expect(isAdmitted('d', NOON_MS + 5_000)).toBe(false)
    for (const id of ['b', 'c'])
      for (const afterMs of [5_000, 35_000]) rig.book.correct(id, null, NOON_MS + afterMs)
    expect(isAdmitted('d', NOON_MS + 35_000)).toBe(true)
  })
})
