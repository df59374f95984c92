import { describe, expect, it } from 'vitest'
import { DRAW_PROBABILITY_MAX, drawProbability, Sampler } from '../../../src/limits/sampler.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const COST = { requests: 1, tokens: 700 } as const

describe('the sampler of a quiet isolate', () => {
  it.each([
    ['requests', { requestsPerMinute: 600 }],
    ['tokens', { tokensPerMinute: 1_000_000 }],
    ['both', { requestsPerMinute: 600, tokensPerMinute: 1_000_000 }],
    ['few of both', { requestsPerMinute: 10, tokensPerMinute: 2_000 }],
  ])('draws a demand with the right mean, with a limit of %s', (_, limits) => {
    const sampler = new Sampler(seededRandom(7))
    const requests = 200_000
    for (let request = 0; request < requests; request++) sampler.draw(COST, limits)
    expect(sampler.drawn.requests / requests).toBeCloseTo(1, 1)
    expect(sampler.drawn.tokens / requests / COST.tokens).toBeCloseTo(1, 1)
  })

  it('draws in proportion to the cost, for the limit where the cost weighs most', () => {
    const limits = { requestsPerMinute: 600, tokensPerMinute: 1_000_000 }
    expect(drawProbability({ requests: 1, tokens: 10 }, limits)).toBeCloseTo(1 / 12)
    expect(drawProbability({ requests: 1, tokens: 4_000 }, limits)).toBeCloseTo(1 / 5)
    expect(drawProbability({ requests: 1, tokens: 900_000 }, limits)).toBe(DRAW_PROBABILITY_MAX)
  })

  it('draws nothing of a request that costs nothing', () => {
    const sampler = new Sampler(() => 0)
    sampler.draw({ requests: 1, tokens: 0 }, { tokensPerMinute: 100 })
    expect(sampler.drawn).toEqual({ requests: 0, tokens: 0 })
  })

  it('keeps what was drawn while a sample was being published', () => {
    const sampler = new Sampler(() => 0)
    const limits = { requestsPerMinute: 600 }
    sampler.draw(COST, limits)
    const published = sampler.drawn
    sampler.draw(COST, limits)
    sampler.subtract(published)
    expect(sampler.drawn).toEqual(published)
    sampler.clear()
    sampler.subtract(published)
    expect(sampler.drawn).toEqual({ requests: 0, tokens: 0 })
  })
})
