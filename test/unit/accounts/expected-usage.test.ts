import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectedUsage } from '../../../src/accounts/expected-usage.ts'
import { worstCaseMicroUsd } from '../../../src/accounts/worst-case.ts'
import { costOf } from '../../../src/models/prices.ts'

const MODEL = {
  contextTokens: 200_000,
  outputTokensMax: 100_000,
  prices: { inputMicroUsd: 1_100_000, cachedInputMicroUsd: 550_000, outputMicroUsd: 4_400_000 },
}
const ASKED = { bodyBytes: 1_001, hasContentElsewhere: false, tokenCap: undefined, choices: 1 }
const HABITS = { reasoningTokens: 300, tokensPerSecond: 100 }

describe('the expected usage', () => {
  it('is a quarter of the body’s bytes, and what was seen with the key’s mean of reasoning', () => {
    const usage = expectedUsage(ASKED, { seenTokens: 40, elapsedMs: 1_000 }, HABITS, MODEL)
    expect(usage).toEqual({
      promptTokens: 251,
      cachedTokens: 0,
      completionTokens: 340,
      reasoningTokens: 300,
      costMicroUsd: costOf({ ...usage }, MODEL.prices),
    })
  })

  it('counts the mean of reasoning for each choice', () => {
    const usage = expectedUsage({ ...ASKED, choices: 3 }, { seenTokens: 40, elapsedMs: 0 }, HABITS, MODEL)
    expect(usage.completionTokens).toBe(940)
  })

  it('is the model’s output in the time since the call, if that is more', () => {
    const usage = expectedUsage(ASKED, { seenTokens: 0, elapsedMs: 60_500 }, HABITS, MODEL)
    expect([usage.completionTokens, usage.reasoningTokens]).toEqual([6_050, 6_050])
    const three = expectedUsage({ ...ASKED, choices: 3 }, { seenTokens: 0, elapsedMs: 60_500 }, HABITS, MODEL)
    expect(three.completionTokens).toBe(18_150)
  })

  it('is never more than the context and the caps', () => {
    const long = { seenTokens: 1e9, elapsedMs: 1e9 }
    expect(expectedUsage({ ...ASKED, bodyBytes: 9e9 }, long, HABITS, MODEL)).toMatchObject({
      promptTokens: 200_000,
      completionTokens: 100_000,
      reasoningTokens: 0,
    })
    expect(expectedUsage({ ...ASKED, tokenCap: 70, choices: 2 }, long, HABITS, MODEL).completionTokens).toBe(
      140,
    )
  })

  it('is never nothing and never above the worst case, whatever comes in', () => {
    const amount = fc.oneof(fc.nat(1_000_000), fc.double())
    const asked = fc.record({
      bodyBytes: fc.nat(1_000_000),
      hasContentElsewhere: fc.boolean(),
      tokenCap: fc.option(fc.integer({ min: 1, max: 200_000 }), { nil: undefined }),
      choices: fc.integer({ min: 1, max: 8 }),
    })
    const progress = fc.record({ seenTokens: amount, elapsedMs: amount })
    const habits = fc.record({ reasoningTokens: amount, tokensPerSecond: amount })
    fc.assert(
      fc.property(asked, progress, habits, (request, done, known) => {
        const usage = expectedUsage(request, done, known, MODEL)
        expect(usage.completionTokens).toBeGreaterThanOrEqual(1)
        expect(usage.costMicroUsd).toBeGreaterThanOrEqual(1)
        expect(usage.costMicroUsd).toBeLessThanOrEqual(worstCaseMicroUsd(request, MODEL))
        for (const figure of Object.values(usage)) expect(figure).toSatisfy(Number.isSafeInteger)
        expect(usage.reasoningTokens).toBeLessThanOrEqual(usage.completionTokens)
      }),
      { numRuns: 2_000 },
    )
  })
})
