import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { worstCaseMicroUsd } from '../../../src/accounts/worst-case.ts'
import { costOf } from '../../../src/models/prices.ts'

const MODEL = {
  contextTokens: 200_000,
  outputTokensMax: 100_000,
  prices: { inputMicroUsd: 1_100_000, cachedInputMicroUsd: 550_000, outputMicroUsd: 4_400_000 },
}
/** Its input is dearest where it is written to the cache, and above the step. */
const STEPPED = {
  ...MODEL,
  prices: {
    ...MODEL.prices,
    cacheWriteMicroUsd: 2_000_000,
    longContext: {
      aboveTokens: 50_000,
      inputMicroUsd: 3_000_000,
      cachedInputMicroUsd: 300_000,
      cacheWriteMicroUsd: 4_000_000,
      outputMicroUsd: 9_000_000,
    },
  },
}
const BODY = { hasContentElsewhere: false }
const FREE = { ...MODEL, prices: { inputMicroUsd: 0, cachedInputMicroUsd: 0, outputMicroUsd: 0 } }

describe('the worst case', () => {
  it('is a token a byte, and the cap of each choice', () => {
    expect(worstCaseMicroUsd({ ...BODY, bodyBytes: 1_000, tokenCap: 50, choices: 1 }, MODEL)).toBe(
      1_100 + 220,
    )
    expect(worstCaseMicroUsd({ ...BODY, bodyBytes: 1_000, tokenCap: 50, choices: 3 }, MODEL)).toBe(
      1_100 + 660,
    )
  })

  it('is bounded by the context and by the longest output of each choice', () => {
    const whole = 220_000 + 440_000
    expect(worstCaseMicroUsd({ ...BODY, bodyBytes: 9e9, tokenCap: undefined, choices: 1 }, MODEL)).toBe(whole)
    expect(
      worstCaseMicroUsd({ bodyBytes: 9, hasContentElsewhere: true, tokenCap: 9e9, choices: 1 }, MODEL),
    ).toBe(whole)
    expect(worstCaseMicroUsd({ ...BODY, bodyBytes: 9e9, tokenCap: 9e9, choices: 2 }, MODEL)).toBe(
      whole + 440_000,
    )
  })

  it('has the price of the tier that is asked for, but not less than the usual one', () => {
    const asked = { ...BODY, bodyBytes: 1_000, tokenCap: 50, choices: 1 }
    const worst = (factor: number) => worstCaseMicroUsd({ ...asked, priceFactor: () => factor }, MODEL)
    expect([worst(2), worst(0.5)]).toEqual([2 * 1_320, 1_320])
  })

  it('is rounded up once, and at least a micro-dollar', () => {
    // 1.1 + 4.4 is 5.5: rounded up apart it would be 7.
    expect(worstCaseMicroUsd({ ...BODY, bodyBytes: 1, tokenCap: 1, choices: 1 }, MODEL)).toBe(6)
    expect(worstCaseMicroUsd({ ...BODY, bodyBytes: 1_000, tokenCap: 50, choices: 1 }, FREE)).toBe(1)
  })

  it('has the price of cache writes for input, and that of a long context only where the prompt can be long', () => {
    const asked = { ...BODY, tokenCap: 100, choices: 1 }
    expect(worstCaseMicroUsd({ ...asked, bodyBytes: 50_000 }, STEPPED)).toBe(100_000 + 440)
    expect(worstCaseMicroUsd({ ...asked, bodyBytes: 50_001 }, STEPPED)).toBe(200_004 + 900)
    expect(worstCaseMicroUsd({ ...asked, bodyBytes: 9, hasContentElsewhere: true }, STEPPED)).toBe(
      800_000 + 900,
    )
  })

  it.each([
    ['one price', MODEL],
    ['a long-context step', STEPPED],
  ])('is never below the cost of a usage that the request can have, of a model with %s', (_, model) => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    const asked = fc.record({
      bodyBytes: fc.nat(1_000_000),
      hasContentElsewhere: fc.boolean(),
      tokenCap: fc.option(fc.integer({ min: 1, max: 200_000 }), { nil: undefined }),
      choices: fc.integer({ min: 1, max: 8 }),
    })
    fc.assert(
      fc.property(asked, share, share, share, share, (request, prompt, cached, written, completion) => {
        const promptTokens = Math.floor(prompt * Math.min(request.bodyBytes, model.contextTokens))
        const mostTokens = Math.min(request.tokenCap ?? Infinity, model.outputTokensMax) * request.choices
        const usage = {
          promptTokens,
          cachedTokens: Math.floor(cached * promptTokens),
          cacheWriteTokens: Math.floor(written * promptTokens),
          completionTokens: Math.floor(completion * mostTokens),
          reasoningTokens: 0,
        }
        expect(costOf(usage, model.prices)).toBeLessThanOrEqual(worstCaseMicroUsd(request, model))
      }),
    )
  })
})
