import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { costOf, dearestRates, type Prices } from '../../../src/models/prices.ts'

const O3_MINI: Prices = { inputMicroUsd: 1_100_000, cachedInputMicroUsd: 550_000, outputMicroUsd: 4_400_000 }
const LUNA: Prices = {
  inputMicroUsd: 100_000,
  cachedInputMicroUsd: 10_000,
  cacheWriteMicroUsd: 125_000,
  outputMicroUsd: 500_000,
  longContext: {
    aboveTokens: 272_000,
    inputMicroUsd: 200_000,
    cachedInputMicroUsd: 20_000,
    cacheWriteMicroUsd: 250_000,
    outputMicroUsd: 750_000,
  },
}

function usage(promptTokens: number, cachedTokens: number, completionTokens: number, cacheWriteTokens = 0) {
  return { promptTokens, cachedTokens, cacheWriteTokens, completionTokens, reasoningTokens: completionTokens }
}

describe('the cost', () => {
  it.each([
    [usage(0, 0, 0), 0],
    [usage(1_000_000, 0, 0), 1_100_000],
    [usage(1_000_000, 1_000_000, 0), 550_000],
    [usage(0, 0, 1_000_000), 4_400_000],
    // The sum of 1.1 and 4.4 is rounded up once.
    [usage(1, 0, 1), 6],
    [usage(1, 0, 0), 2],
    [usage(1, 1, 0), 1],
    [usage(10, 0, 0), 11],
    [usage(100, 60, 50), 297],
    // A cached count above the prompt cannot lower the cost below the cached price.
    [usage(10, 20, 0), 6],
    // A model without a price for cache writes has the input's.
    [usage(1_000_000, 0, 0, 1_000_000), 1_100_000],
  ])(
    'of %o is %i micro-dollars, with cached tokens at their price and reasoning within the completion',
    (of, cost) => {
      expect(costOf(of, O3_MINI)).toBe(cost)
    },
  )

  it.each([
    ['written tokens at their own price', usage(100_000, 0, 0, 100_000), 12_500],
    [
      'written, cached and other tokens, each at its price',
      usage(100_000, 50_000, 0, 20_000),
      3_000 + 500 + 2_500,
    ],
    ['no written token that is cached too', usage(100_000, 90_000, 0, 90_000), 900 + 1_250],
    ['the usual prices at the last token of the step', usage(272_000, 0, 1_000_000), 27_200 + 500_000],
    ['the whole request at the long-context prices above it', usage(272_001, 0, 1_000_000), 54_401 + 750_000],
    ['each kind of token of a long context', usage(300_000, 100_000, 0, 100_000), 20_000 + 2_000 + 25_000],
  ])('counts %s', (_, of, cost) => {
    expect(costOf(of, LUNA)).toBe(cost)
  })

  it('is a whole number of micro-dollars, rounded up from the exact cost', () => {
    const tokens = fc.integer({ min: 0, max: 1_000_000 })
    fc.assert(
      fc.property(tokens, tokens, tokens, (prompt, cached, completion) => {
        const known = Math.min(prompt, cached)
        const exact =
          BigInt(prompt - known) * 1_100_000n + BigInt(known) * 550_000n + BigInt(completion) * 4_400_000n
        const cost = BigInt(costOf(usage(prompt, cached, completion), O3_MINI)) * 1_000_000n
        expect(cost >= exact && cost - exact < 1_000_000n).toBe(true)
      }),
    )
  })
})

describe('the dearest rates', () => {
  it('are the cache write’s for input, and the long-context step’s only for a prompt that can reach it', () => {
    expect(dearestRates(O3_MINI, 200_000)).toEqual({ inputMicroUsd: 1_100_000, outputMicroUsd: 4_400_000 })
    expect(dearestRates(LUNA, 272_000)).toEqual({ inputMicroUsd: 125_000, outputMicroUsd: 500_000 })
    expect(dearestRates(LUNA, 272_001)).toEqual({ inputMicroUsd: 250_000, outputMicroUsd: 750_000 })
  })
})
