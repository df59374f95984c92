import { expect, it } from 'vitest'
import { logFigures } from '../../../src/accounts/log-figures.ts'

const PRICES = { inputMicroUsd: 1_000_000, cachedInputMicroUsd: 500_000, outputMicroUsd: 4_000_000 }

it('prices the tokens of a log record', () => {
  expect(logFigures({ tokens_in: 10, tokens_out: 5 }, PRICES)).toEqual({
    promptTokens: 10,
    cachedTokens: 0,
    completionTokens: 5,
    reasoningTokens: 0,
    costMicroUsd: 30,
  })
})

it('prices a long context by its step', () => {
  const longContext = { ...PRICES, aboveTokens: 9, outputMicroUsd: 6_000_000 }
  expect(logFigures({ tokens_in: 10, tokens_out: 5 }, { ...PRICES, longContext })?.costMicroUsd).toBe(40)
})

it('charges nothing for an answer from the cache of AI Gateway', () => {
  expect(logFigures({ tokens_in: 10, tokens_out: 5, cached: true }, PRICES)?.costMicroUsd).toBe(0)
})

it.each([-1, 1.5, NaN, Infinity, '3', null, undefined])('finds no figure in %s', (odd) => {
  expect(logFigures({ tokens_in: odd, tokens_out: 5 }, PRICES)).toBeNull()
  expect(logFigures({ tokens_in: 5, tokens_out: odd }, PRICES)).toBeNull()
})
