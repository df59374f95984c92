import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RollingWindow, WINDOW_MS } from '../../../src/limits/rolling-window.ts'

const START_MS = Date.UTC(2026, 0, 1)

/** Steps of a clock that mostly advances, may stand still, and may step back by some ms. */
const gapsMs = fc.array(
  fc.oneof(
    fc.constant(0),
    fc.integer({ min: -20, max: 3_000 }),
    fc.integer({ min: 0, max: 90_000 }),
    fc.constantFrom(WINDOW_MS - 1, WINDOW_MS, WINDOW_MS + 1),
  ),
  { maxLength: 200 },
)

describe('the rolling window', () => {
  it('keeps an admission for at least 60 s and less than 61 s, and an offer for at most 60 s', () => {
    fc.assert(
      fc.property(gapsMs, (gaps) => {
        const window = new RollingWindow()
        const admittedAtMs: number[] = []
        let nowMs = START_MS
        let latestMs = -Infinity
        for (const gapMs of gaps) {
          nowMs += gapMs
          latestMs = Math.max(latestMs, nowMs)
          window.roll(nowMs)
          window.offer(1)
          window.admit(1)
          admittedAtMs.push(latestMs)
          const younger = (ageMs: number): number =>
            admittedAtMs.filter((atMs) => latestMs - atMs < ageMs).length
          expect(window.admitted).toBeGreaterThanOrEqual(younger(WINDOW_MS))
          expect(window.admitted).toBeLessThanOrEqual(younger(WINDOW_MS + 1_000))
          expect(window.offered).toBeGreaterThanOrEqual(younger(WINDOW_MS - 1_000))
          expect(window.offered).toBeLessThanOrEqual(younger(WINDOW_MS))
        }
      }),
    )
  })

  it('is empty after 61 s, for any reservations and settlements', () => {
    fc.assert(
      fc.property(gapsMs, fc.array(fc.nat(1_000)), fc.array(fc.nat(1_000)), (gaps, reserved, actual) => {
        const window = new RollingWindow()
        let nowMs = START_MS
        gaps.forEach((gapMs, index) => {
          const admittedAtMs = nowMs
          window.roll(nowMs)
          window.admit(reserved[index] ?? 5)
          nowMs += gapMs
          window.roll(nowMs)
          window.settle(admittedAtMs, reserved[index] ?? 5, actual[index] ?? 0)
          expect(window.admitted).toBeGreaterThanOrEqual(0)
        })
        window.roll(nowMs + WINDOW_MS + 1_100)
        expect([window.admitted, window.offered, window.resetMs(nowMs)]).toEqual([0, 0, 0])
      }),
    )
  })

  it('computes to the millisecond when there is room again', () => {
    fc.assert(
      fc.property(gapsMs, fc.nat(30), (gaps, room) => {
        const window = new RollingWindow()
        let nowMs = START_MS
        for (const gapMs of gaps) {
          nowMs += Math.abs(gapMs)
          window.roll(nowMs)
          window.admit(1)
        }
        const waitMs = window.waitMs(room, 0, nowMs)
        expect(waitMs).toBeLessThanOrEqual(WINDOW_MS)
        window.roll(nowMs + Math.max(0, waitMs - 1))
        expect(window.admitted > room).toBe(waitMs > 0)
        window.roll(nowMs + waitMs)
        expect(window.admitted).toBeLessThanOrEqual(room)
      }),
    )
  })

  it('waits also for an amount that decreases evenly', () => {
    const window = new RollingWindow()
    window.roll(START_MS)
    window.admit(4)
    // The 4 own admissions leave after 60 s. Until then 6 of the 12 fit, which have decreased to 6 at half of the window.
    expect(window.waitMs(10, 12, START_MS)).toBe(WINDOW_MS / 2 + 1)
    expect(window.waitMs(3, 0, START_MS)).toBe(WINDOW_MS)
    expect(window.waitMs(16, 12, START_MS)).toBe(0)
  })

  it('subtracts a surplus of a reservation, and adds a shortfall at the time of settlement', () => {
    const window = new RollingWindow()
    window.roll(START_MS)
    window.admit(100)
    window.settle(START_MS, 100, 30)
    expect(window.admitted).toBe(30)
    window.roll(START_MS + 59_000)
    window.settle(START_MS, 30, 50)
    window.roll(START_MS + WINDOW_MS)
    expect(window.admitted).toBe(20)
    window.settle(START_MS, 30, 0)
    expect(window.admitted).toBe(20)
    expect(window.resetMs(START_MS + WINDOW_MS)).toBe(59_000)
  })

  it('is cleared when the clock steps back by a window or more', () => {
    const window = new RollingWindow()
    window.roll(START_MS)
    window.admit(9)
    window.roll(START_MS - WINDOW_MS)
    expect(window.admitted).toBe(0)
  })
})
