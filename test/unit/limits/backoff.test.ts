import { describe, expect, it } from 'vitest'
import {
  Backoff,
  OPERATION_TIMEOUT_MS,
  PAUSE_MAX_MS,
  FAILURES_BEFORE_GROWTH,
  SPACING_MS,
} from '../../../src/limits/backoff.ts'

describe('the backoff of background operations', () => {
  it('runs one operation at a time, and leaves a second after each', () => {
    const backoff = new Backoff()
    const attempt = backoff.begin(0)
    expect(backoff.isReady(10)).toBe(false)
    expect(backoff.isCurrent(attempt)).toBe(true)
    backoff.succeed(500)
    expect([backoff.isReady(500 + SPACING_MS - 1), backoff.isReady(500 + SPACING_MS)]).toEqual([false, true])
  })

  it('times out an operation that hangs, and ignores its late end', () => {
    const backoff = new Backoff()
    const attempt = backoff.begin(0)
    expect(backoff.isTimedOut(OPERATION_TIMEOUT_MS - 1)).toBe(false)
    expect(backoff.isTimedOut(OPERATION_TIMEOUT_MS)).toBe(true)
    const { pauseMs } = backoff.fail(OPERATION_TIMEOUT_MS)
    expect(backoff.isCurrent(attempt)).toBe(false)
    expect(backoff.isReady(OPERATION_TIMEOUT_MS + pauseMs)).toBe(true)
    const second = backoff.begin(OPERATION_TIMEOUT_MS + pauseMs)
    expect([backoff.isCurrent(attempt), backoff.isCurrent(second)]).toEqual([false, true])
  })

  it('pauses for 2 s after each of four failures, then 4, 8 and so on to 300 s, and 2 s again after a success', () => {
    const backoff = new Backoff()
    const pausesMs = Array.from({ length: FAILURES_BEFORE_GROWTH + 10 }, () => backoff.fail(0).pauseMs)
    expect(pausesMs.slice(0, FAILURES_BEFORE_GROWTH)).toEqual([2_000, 2_000, 2_000, 2_000])
    expect(pausesMs.slice(FAILURES_BEFORE_GROWTH, -3)).toEqual([
      4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000,
    ])
    expect(pausesMs.slice(-3)).toEqual([PAUSE_MAX_MS, PAUSE_MAX_MS, PAUSE_MAX_MS])
    backoff.succeed(0)
    expect(backoff.fail(0)).toEqual({ pauseMs: 2_000, failures: 1 })
  })
})
