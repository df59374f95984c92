import { describe, expect, it } from 'vitest'
import {
  Backoff,
  OPERATION_MAX_MS,
  PAUSE_MAX_MS,
  PAUSE_PATIENCE,
  SPACING_MS,
} from '../../../src/limits/backoff.ts'

describe('a backoff of background operations', () => {
  it('runs one at a time, and leaves a second after each', () => {
    const backoff = new Backoff()
    const ticket = backoff.begin(0)
    expect(backoff.isFree(10)).toBe(false)
    expect(backoff.isCurrent(ticket)).toBe(true)
    backoff.succeed(500)
    expect([backoff.isFree(500 + SPACING_MS - 1), backoff.isFree(500 + SPACING_MS)]).toEqual([false, true])
  })

  it('gives up one that hangs, and does not listen to it any more', () => {
    const backoff = new Backoff()
    const ticket = backoff.begin(0)
    expect(backoff.isHanging(OPERATION_MAX_MS - 1)).toBe(false)
    expect(backoff.isHanging(OPERATION_MAX_MS)).toBe(true)
    const { pauseMs } = backoff.fail(OPERATION_MAX_MS)
    expect(backoff.isCurrent(ticket)).toBe(false)
    expect(backoff.isFree(OPERATION_MAX_MS + pauseMs)).toBe(true)
    const second = backoff.begin(OPERATION_MAX_MS + pauseMs)
    expect([backoff.isCurrent(ticket), backoff.isCurrent(second)]).toEqual([false, true])
  })

  it('pauses for 2 s some times, then 4, 8 and so on to 300 s, and for 2 s again after a success', () => {
    const backoff = new Backoff()
    const pausesMs = Array.from({ length: PAUSE_PATIENCE + 10 }, () => backoff.fail(0).pauseMs)
    expect(pausesMs.slice(0, PAUSE_PATIENCE)).toEqual([2_000, 2_000, 2_000, 2_000])
    expect(pausesMs.slice(PAUSE_PATIENCE, -3)).toEqual([
      4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000,
    ])
    expect(pausesMs.slice(-3)).toEqual([PAUSE_MAX_MS, PAUSE_MAX_MS, PAUSE_MAX_MS])
    backoff.succeed(0)
    expect(backoff.fail(0)).toEqual({ pauseMs: 2_000, failures: 1 })
  })
})
