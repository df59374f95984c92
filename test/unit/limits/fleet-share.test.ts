import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dither, seedOf, limitStatus, TOLERANCES, waitMs } from '../../../src/limits/fleet-share.ts'
import { RollingWindow } from '../../../src/limits/rolling-window.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const NO_PEERS = { admitted: 0, offered: 0, emptyAtMs: 0 }

function windowOf(admitted: number, offered: number): RollingWindow {
  const window = new RollingWindow()
  window.roll(NOW_MS)
  window.admit(admitted)
  window.offer(offered)
  return window
}

describe('the rules of fleet-share', () => {
  it('keep the known admissions of all isolates within the limit', () => {
    const terms = { limit: 60, tolerance: 0.5, dither: 0 }
    const peers = { admitted: 40, offered: 0, emptyAtMs: NOW_MS + 30_000 }
    expect(waitMs(windowOf(19, 20), peers, terms, 1, NOW_MS)).toBe(0)
    expect(waitMs(windowOf(20, 21), peers, terms, 1, NOW_MS)).toBeGreaterThan(0)
    expect(limitStatus(windowOf(20, 21), peers, terms, NOW_MS)).toEqual({
      limit: 60,
      used: 60,
      remaining: 0,
      resetMs: 60_000,
    })
  })

  it.each(Object.entries(TOLERANCES))(
    'hold an isolate to its share of a demand above the tolerance, in mode %s',
    (_, tolerance) => {
      const terms = { limit: 60, tolerance, dither: 0 }
      // This isolate has a quarter of the demand, so it has a quarter of the limit: 15. Half of the attempt is subtracted.
      const demand = (1 + tolerance) * 60 + 4
      const offered = demand / 4 + 0.5
      const peers = { admitted: 0, offered: (demand * 3) / 4, emptyAtMs: 0 }
      expect(waitMs(windowOf(14, offered), peers, terms, 1, NOW_MS)).toBe(0)
      expect(waitMs(windowOf(15, offered), peers, terms, 1, NOW_MS)).toBeGreaterThan(0)
      expect(limitStatus(windowOf(15, offered), peers, terms, NOW_MS).remaining).toBe(0)
      // Rule share does not apply just below the tolerance.
      const fewer = { ...peers, offered: peers.offered - 5 }
      expect(waitMs(windowOf(15, offered), fewer, terms, 1, NOW_MS)).toBe(0)
    },
  )

  it('give a lone attempt the share of one request, not of half a request', () => {
    const terms = { limit: 60, tolerance: 0.5, dither: 0.5 }
    // The share of one request is 60 ÷ 120, which the dither rounds up. The share of half a request would be rounded down.
    const peers = { admitted: 0, offered: 119, emptyAtMs: 0 }
    expect(waitMs(windowOf(0, 1), peers, terms, 1, NOW_MS)).toBe(0)
  })

  it('round a share so that its mean over the minutes is exact', () => {
    const peers = { admitted: 0, offered: 990, emptyAtMs: 0 }
    let admitted = 0
    const minutes = 2_000
    for (let minute = 0; minute < minutes; minute++) {
      const terms = { limit: 60, tolerance: 0.5, dither: dither(seedOf('isolate'), NOW_MS + minute * 60_000) }
      // This isolate has a hundredth of the demand: 0.6 requests a minute.
      if (waitMs(windowOf(0, 10), peers, terms, 1, NOW_MS) === 0) admitted += 1
    }
    expect(admitted / minutes).toBeCloseTo(0.6, 1)
  })

  it('make a share that was rounded to 0 wait for the next minute', () => {
    const peers = { admitted: 0, offered: 990, emptyAtMs: 0 }
    const terms = { limit: 60, tolerance: 0.5, dither: 0 }
    expect(waitMs(windowOf(0, 10), peers, terms, 1, NOW_MS + 45_000)).toBe(15_000)
  })

  it('never admit more than the limit in one isolate, and never refuse a single isolate below it', () => {
    const amount = fc.nat(200)
    fc.assert(
      fc.property(
        amount,
        amount,
        amount,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (own, known, offered, share) => {
          const terms = { limit: 100, tolerance: 0.5, dither: share }
          const window = windowOf(own, own + offered)
          const peers = { admitted: known, offered: known + offered, emptyAtMs: NOW_MS }
          expect(waitMs(window, peers, terms, 1, NOW_MS) === 0 && own + known >= 100).toBe(false)
          expect(waitMs(window, NO_PEERS, terms, 1, NOW_MS) === 0).toBe(own < 100)
          expect(limitStatus(window, peers, terms, NOW_MS).remaining).toBeGreaterThanOrEqual(0)
        },
      ),
    )
  })
})
