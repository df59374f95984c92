import { describe, expect, it } from 'vitest'
import { Lane, OPERATION_MAX_MS, PAUSE_MAX_MS, PAUSE_PATIENCE, SPACING_MS } from '../../../src/limits/backoff.ts'

describe('a lane of background operations', () => {
  it('runs one at a time, and leaves a second after each', () => {
    const lane = new Lane()
    const ticket = lane.begin(0)
    expect(lane.isFree(10)).toBe(false)
    expect(lane.isCurrent(ticket)).toBe(true)
    lane.succeed(500)
    expect([lane.isFree(500 + SPACING_MS - 1), lane.isFree(500 + SPACING_MS)]).toEqual([false, true])
  })

  it('gives up one that hangs, and does not listen to it any more', () => {
    const lane = new Lane()
    const ticket = lane.begin(0)
    expect(lane.isHanging(OPERATION_MAX_MS - 1)).toBe(false)
    expect(lane.isHanging(OPERATION_MAX_MS)).toBe(true)
    const { pauseMs } = lane.fail(OPERATION_MAX_MS)
    expect(lane.isCurrent(ticket)).toBe(false)
    expect(lane.isFree(OPERATION_MAX_MS + pauseMs)).toBe(true)
    const second = lane.begin(OPERATION_MAX_MS + pauseMs)
    expect([lane.isCurrent(ticket), lane.isCurrent(second)]).toEqual([false, true])
  })

  it('pauses for 2 s some times, then 4, 8 and so on to 300 s, and for 2 s again after a success', () => {
    const lane = new Lane()
    const pausesMs = Array.from({ length: PAUSE_PATIENCE + 10 }, () => lane.fail(0).pauseMs)
    expect(pausesMs.slice(0, PAUSE_PATIENCE)).toEqual([2_000, 2_000, 2_000, 2_000])
    expect(pausesMs.slice(PAUSE_PATIENCE, -3)).toEqual([
      4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000,
    ])
    expect(pausesMs.slice(-3)).toEqual([PAUSE_MAX_MS, PAUSE_MAX_MS, PAUSE_MAX_MS])
    lane.succeed(0)
    expect(lane.fail(0)).toEqual({ pauseMs: 2_000, failures: 1 })
  })
})
