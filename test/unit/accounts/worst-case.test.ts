import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { worstCaseMicroUsd } from '../../../src/accounts/worst-case.ts'
import { costOf } from '../../../src/models.ts'

const MODEL = {
  contextTokens: 200_000,
  outputTokensMax: 100_000,
  prices: { inputMicroUsd: 1_100_000, cachedInputMicroUsd: 550_000, outputMicroUsd: 4_400_000 },
}
const FREE = { ...MODEL, prices: { inputMicroUsd: 0, cachedInputMicroUsd: 0, outputMicroUsd: 0 } }

describe('the worst case', () => {
  it('is a token a byte, and the cap of each choice', () => {
    expect(worstCaseMicroUsd({ bodyBytes: 1_000, tokenCap: 50, choices: 1 }, MODEL)).toBe(1_100 + 220)
    expect(worstCaseMicroUsd({ bodyBytes: 1_000, tokenCap: 50, choices: 3 }, MODEL)).toBe(1_100 + 660)
  })

  it('is bounded by the context and by the longest output of each choice', () => {
    const whole = 220_000 + 440_000
    expect(worstCaseMicroUsd({ bodyBytes: 9e9, tokenCap: undefined, choices: 1 }, MODEL)).toBe(whole)
    expect(worstCaseMicroUsd({ bodyBytes: Infinity, tokenCap: 9e9, choices: 1 }, MODEL)).toBe(whole)
    expect(worstCaseMicroUsd({ bodyBytes: 9e9, tokenCap: 9e9, choices: 2 }, MODEL)).toBe(whole + 440_000)
  })

  it('is rounded up once, and at least a micro-dollar', () => {
    // 1.1 + 4.4 is 5.5: rounded up apart it would be 7.
    expect(worstCaseMicroUsd({ bodyBytes: 1, tokenCap: 1, choices: 1 }, MODEL)).toBe(6)
    expect(worstCaseMicroUsd({ bodyBytes: 1_000, tokenCap: 50, choices: 1 }, FREE)).toBe(1)
  })

  it('is never below the cost of a usage that the request can have', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    const asked = fc.record({
      bodyBytes: fc.nat(1_000_000),
      hasContentElsewhere: fc.boolean(),
      tokenCap: fc.option(fc.integer({ min: 1, max: 200_000 }), { nil: undefined }),
      choices: fc.integer({ min: 1, max: 8 }),
    })
    fc.assert(
      fc.property(asked, share, share, share, (request, prompt, cached, completion) => {
        const promptTokens = Math.floor(prompt * Math.min(request.bodyBytes, MODEL.contextTokens))
        const mostTokens = Math.min(request.tokenCap ?? Infinity, MODEL.outputTokensMax) * request.choices
        const usage = {
          promptTokens,
          cachedTokens: Math.floor(cached * promptTokens),
          completionTokens: Math.floor(completion * mostTokens),
          reasoningTokens: 0,
        }
        expect(costOf(usage, MODEL.prices)).toBeLessThanOrEqual(worstCaseMicroUsd(request, MODEL))
      }),
    )
  })
})
