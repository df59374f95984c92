import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { costOf, modelTable } from '../../src/models.ts'

const O3_MINI = { inputMicroUsd: 1_100_000, cachedInputMicroUsd: 550_000, outputMicroUsd: 4_400_000 }

function usage(promptTokens: number, cachedTokens: number, completionTokens: number) {
  return { promptTokens, cachedTokens, completionTokens, reasoningTokens: completionTokens }
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
  ])(
    'of %o is %i micro-dollars, with cached tokens at their price and reasoning within the completion',
    (of, cost) => {
      expect(costOf(of, modelTable({}).get('o3-mini')?.prices ?? O3_MINI)).toBe(cost)
    },
  )

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
