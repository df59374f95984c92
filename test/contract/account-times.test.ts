/** An account counts the times of its requests with their bookings, in the rows that it writes anyway. */
import { describe, expect, it } from 'vitest'
import { DAYS_KEPT } from '../../src/accounts/book-usage.ts'
import { LEASE_MS } from '../../src/accounts/book.ts'
import { measuredTimes, noTimes } from '../../src/accounts/request-times.ts'
import { DAY_MS } from '../../src/calendar.ts'
import { BookRig, entryOf, NO_LIMITS, NOON_MS, ofIsolate, requestOf } from './book-rig.ts'

const TODAY = '2026-11-26'

function endOf(durationMs: number, firstOutputMs: number | null = null) {
  return { end: { status: 200, reason: null, firstOutputMs, durationMs, logId: null } }
}

/** How many requests have a first output and an end, and the sums of their times, ms. */
function countsOf(rig: BookRig, date = TODAY): number[][] {
  return rig.book.rows(date, date).map(({ times = noTimes() }) =>
    (['firstOutput', 'duration'] as const).flatMap((measure) => {
      const { cumulative, sumMs } = measuredTimes(times, measure)
      return [cumulative.at(-1) ?? 0, sumMs]
    }),
  )
}

describe('the times of requests', () => {
  it('are booked by day and model, and survive a restart', () => {
    const rig = new BookRig()
    rig.settle(ofIsolate('1', NOON_MS, endOf(3_000, 900)), NOON_MS)
    rig.settle(ofIsolate('2', NOON_MS, endOf(2_000)), NOON_MS)
    rig.settle(ofIsolate('3', NOON_MS, { model: 'other', ...endOf(70_000) }), NOON_MS)
    rig.settle(ofIsolate('4', NOON_MS - DAY_MS, endOf(5)), NOON_MS)
    rig.restart()
    expect(countsOf(rig)).toEqual([
      [1, 900, 2, 5_000],
      [0, 0, 1, 70_000],
    ])
    expect(countsOf(rig, '2026-11-25')).toEqual([[0, 0, 1, 5]])
    expect(rig.count('usage')).toBe(3)
  })

  it('count once for a batch that comes twice, and for all requests of a batch', () => {
    const rig = new BookRig()
    const entries = [1_000, 2_000, 3_000].map((ms) => ofIsolate(`r${ms}`, NOON_MS, endOf(ms)))
    const batch = { writerId: 'w', number: 1, entries }
    rig.book.settle(batch, NOON_MS)
    rig.book.settle(batch, NOON_MS)
    expect(countsOf(rig)).toEqual([[0, 0, 3, 6_000]])
  })

  it('are none of a refusal, of a released request, and of one whose lease has ended', () => {
    const rig = new BookRig()
    const refusals = { limited: [{ atMs: NOON_MS, refused: 3 }], last: [] }
    rig.book.settle({ writerId: 'w', number: 1, entries: [], refusals }, NOON_MS)
    rig.book.admit(requestOf('released'), NO_LIMITS, NOON_MS)
    rig.settle(entryOf('released', NOON_MS, { released: true, ...endOf(0) }), NOON_MS)
    rig.book.admit(requestOf('late'), NO_LIMITS, NOON_MS)
    rig.book.expireLeases(NOON_MS + LEASE_MS)
    expect(countsOf(rig)).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ])
    rig.settle(entryOf('late', NOON_MS, endOf(950_000, 1_000)), NOON_MS + LEASE_MS + 50_000)
    expect(countsOf(rig)).toEqual([
      [0, 0, 0, 0],
      [1, 1_000, 1, 950_000],
    ])
  })

  it('stay as they are when the true usage is found', () => {
    const rig = new BookRig()
    const log = {
      gatewayId: 'g',
      logId: 'l',
      prices: { inputMicroUsd: 1, cachedInputMicroUsd: 1, outputMicroUsd: 1 },
    }
    rig.settle(ofIsolate('1', NOON_MS, { certainty: 'pending', log, ...endOf(4_000) }), NOON_MS)
    rig.book.correct('1', entryOf('1', NOON_MS).booked, NOON_MS + 5_000)
    expect(countsOf(rig)).toEqual([[0, 0, 1, 4_000]])
  })

  it('are absent in rows of an earlier version, which go on', () => {
    const rig = new BookRig()
    rig.settle(ofIsolate('1', NOON_MS, endOf(4_000)), NOON_MS)
    rig.database.exec("UPDATE usage SET stored = json_remove(stored, '$.times')")
    rig.restart()
    expect(rig.book.rows(TODAY, TODAY)).toMatchObject([{ requests: 1 }])
    rig.settle(ofIsolate('2', NOON_MS, endOf(1_000)), NOON_MS)
    expect(countsOf(rig)).toEqual([[0, 0, 1, 1_000]])
  })

  it('are forgotten with their day, and the totals stay', () => {
    const rig = new BookRig()
    rig.settle(ofIsolate('1', NOON_MS, endOf(4_000)), NOON_MS)
    rig.book.prune(NOON_MS + (DAYS_KEPT + 1) * DAY_MS)
    const [older] = rig.book.rows('0000-00-00', '0000-00-00')
    expect([older?.requests, older?.times]).toEqual([1, undefined])
  })
})
