import { describe, expect, it } from 'vitest'
import { type Minute, replay } from '../../../src/console/state/replay.ts'

/** So many requests in a minute of a day, of 100 tokens and 0.01 dollars each. */
function minute(time: string, requests: number, refused = 0): Minute {
  return {
    minute: `2026-11-${time}:00.000Z`,
    requests,
    refused,
    tokens: requests * 100,
    costUsd: requests / 100,
  }
}

const DAY = [minute('25T23:59', 10), minute('26T00:00', 10), minute('26T00:01', 30, 10)]

describe('a replay of minutes', () => {
  it('without limits refuses nothing, and tells what was refused then', () => {
    expect(replay(DAY, {})).toMatchObject({ offered: 60, refusedThen: 10, refused: 0, by: new Map() })
  })

  it.each([
    ['requestsPerMinute', { requestsPerMinute: 12 }, 28],
    ['tokensPerMinute', { tokensPerMinute: 1_250 }, 28],
    ['requestsPerDay', { requestsPerDay: 15 }, 35],
    ['budget', { budget: { usd: 0.155, period: 'day' } }, 34],
    ['budget', { budget: { usd: 0.155, period: 'month' } }, 44],
    ['budget', { budget: { usd: 0, period: 'total' } }, 60],
  ] as const)('refuses by %s what %j leaves no room for', (name, limits, refused) => {
    expect(replay(DAY, limits)).toMatchObject({ offered: 60, refused, by: new Map([[name, refused]]) })
  })

  it('counts each request for the tightest of several limits', () => {
    const { refused, by } = replay(DAY, { requestsPerMinute: 20, requestsPerDay: 25 })
    expect([refused, by]).toEqual([25, new Map([['requestsPerDay', 25]])])
    expect(replay(DAY, { requestsPerMinute: 5, requestsPerDay: 9 }).by).toEqual(
      new Map([
        ['requestsPerMinute', 10],
        ['requestsPerDay', 36],
      ]),
    )
  })

  it('prices requests that were refused then at the mean of the others', () => {
    const minutes = [minute('26T00:00', 10), minute('26T00:01', 0, 10)]
    expect(replay(minutes, {}).costUsd).toBeCloseTo(0.2)
    expect(replay([minute('26T00:01', 0, 3)], { tokensPerMinute: 1 })).toMatchObject({
      refused: 0,
      costUsd: 0,
    })
    expect(replay([], {})).toMatchObject({ offered: 0, refused: 0 })
  })

  it('refuses no more of a higher limit', () => {
    for (let limit = 1; limit < 60; limit++) {
      const at = (requestsPerMinute: number): number => replay(DAY, { requestsPerMinute }).refused
      expect(at(limit + 1)).toBeLessThanOrEqual(at(limit))
    }
  })
})
