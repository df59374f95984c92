import { describe, expect, it } from 'vitest'
import {
  addTimes,
  isRequestTimes,
  measuredTimes,
  noTimes,
  TIME_BOUNDS_SECONDS,
} from '../../../src/accounts/request-times.ts'

describe('the times of requests', () => {
  it('are counted in the first bucket whose bound they do not exceed', () => {
    const times = noTimes()
    for (const seconds of TIME_BOUNDS_SECONDS) {
      addTimes(times, { firstOutputMs: null, durationMs: seconds * 1_000 })
      addTimes(times, { firstOutputMs: null, durationMs: seconds * 1_000 + 1 })
    }
    const { cumulative } = measuredTimes(times, 'duration')
    expect(cumulative).toEqual([...TIME_BOUNDS_SECONDS.map((_, at) => 2 * at + 1), 24])
  })

  it('have a first output only where a stream had one', () => {
    const times = noTimes()
    addTimes(times, { firstOutputMs: null, durationMs: 3_000 })
    addTimes(times, { firstOutputMs: 900, durationMs: 601_000 })
    expect(measuredTimes(times, 'firstOutput')).toEqual({
      cumulative: [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
      sumMs: 900,
    })
    expect(measuredTimes(times, 'duration')).toEqual({
      cumulative: [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2],
      sumMs: 604_000,
    })
  })

  it('count as nothing where a clock was set back, and as whole milliseconds otherwise', () => {
    const times = noTimes()
    for (const durationMs of [-5_000, Number.NaN, 1.5]) addTimes(times, { firstOutputMs: null, durationMs })
    const { cumulative, sumMs } = measuredTimes(times, 'duration')
    expect([cumulative[0], sumMs, isRequestTimes(times)]).toEqual([3, 2, true])
  })

  it('are read from a row only if each bucket has a count', () => {
    expect(
      [noTimes(), noTimes().slice(1), noTimes().fill(-1), noTimes().fill(0.5), {}, null].map(isRequestTimes),
    ).toEqual([true, false, false, false, false, false])
  })
})
