import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../../../src/calendar.ts'
import {
  DAY_COLLECT_FAR_MS,
  DAY_COLLECT_NEAR_MS,
  DAY_PUBLISH_LATER_MS,
  DAY_PUBLISH_SOON_MS,
  DayCount,
} from '../../../src/limits/day-count.ts'

const NOON_MS = Date.UTC(2026, 10, 22, 12)

function dayOf(own: number): DayCount {
  const day = new DayCount()
  day.roll(NOON_MS)
  day.admit(own)
  return day
}

describe('the count of a day', () => {
  it('restarts at 00:00 UTC, and keeps the new day if the clock steps back', () => {
    const day = dayOf(7)
    expect([day.used, day.date, day.resetMs(NOON_MS)]).toEqual([7, '2026-11-22', DAY_MS / 2])
    day.roll(NOON_MS + DAY_MS / 2)
    expect([day.used, day.date]).toEqual([0, '2026-11-23'])
    day.admit(1)
    day.roll(NOON_MS)
    expect(day.used).toBe(1)
  })

  it('adds the peers of the same date, never lowers a peer’s count, and skips its own shard', () => {
    const day = dayOf(1)
    const shards = [
      { isolateId: 'a', admitted: 10 },
      { isolateId: 'own', admitted: 99 },
    ]
    day.merge(shards, '2026-11-22', 'own')
    day.merge([{ isolateId: 'a', admitted: 4 }], '2026-11-22', 'own')
    day.merge([{ isolateId: 'b', admitted: 50 }], '2026-11-21', 'own')
    expect(day.used).toBe(11)
  })

  it('publishes a growth of 1 % of the limit soon, less later, and an unchanged count never', () => {
    const day = dayOf(5)
    expect(day.publishEveryMs(500)).toBe(DAY_PUBLISH_SOON_MS)
    expect(day.publishEveryMs(501)).toBe(DAY_PUBLISH_LATER_MS)
    day.notePublished(5, '2026-11-22')
    expect(day.publishEveryMs(500)).toBe(Infinity)
  })

  it('lists more often after a growth of 1 % and from half of the limit on, and never once the day is spent', () => {
    const day = dayOf(50)
    expect([5_000, 5_001].map((limit) => day.collectEveryMs(limit))).toEqual([
      DAY_COLLECT_NEAR_MS,
      DAY_COLLECT_FAR_MS,
    ])
    day.merge([], '2026-11-22', 'own')
    expect([101, 100, 50].map((limit) => day.collectEveryMs(limit))).toEqual([
      DAY_COLLECT_FAR_MS,
      DAY_COLLECT_NEAR_MS,
      Infinity,
    ])
  })
})
