import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  expectedUsage,
  FIRST_REASONING_TOKENS,
  FIRST_TOKENS_PER_SECOND,
  MEANS_MAX,
  TOKENS_PER_SECOND_MAX,
  UsageMeans,
} from '../../../src/accounts/expected-usage.ts'
import { worstCaseMicroUsd } from '../../../src/accounts/worst-case.ts'
import { costOf } from '../../../src/models.ts'

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

describe('the means', () => {
  const usage = { promptTokens: 9, cachedTokens: 0, completionTokens: 400, reasoningTokens: 200 }

  it('begin with first guesses', () => {
    expect(new UsageMeans().habits('a', 'o3-mini')).toEqual({
      reasoningTokens: FIRST_REASONING_TOKENS,
      tokensPerSecond: FIRST_TOKENS_PER_SECOND,
    })
  })

  it('follow a key’s own reasoning a choice, and a model’s rate', () => {
    const means = new UsageMeans()
    means.learn('a', 'o3-mini', usage, { choices: 2, elapsedMs: 4_000 })
    means.learn('a', 'o3-mini', usage, { choices: 1, elapsedMs: 2_000 })
    expect(means.habits('a', 'o3-mini')).toEqual({ reasoningTokens: 150, tokensPerSecond: 150 })
    expect(means.habits('b', 'o3-mini')).toEqual({
      reasoningTokens: FIRST_REASONING_TOKENS,
      tokensPerSecond: 150,
    })
    expect(means.habits('a', 'other').tokensPerSecond).toBe(FIRST_TOKENS_PER_SECOND)
    for (let count = 0; count < 200; count++)
      means.learn('a', 'o3-mini', { ...usage, reasoningTokens: 1_000 }, { choices: 1, elapsedMs: 1_000 })
    expect(means.habits('a', 'o3-mini').reasoningTokens).toBeGreaterThan(990)
    expect(means.habits('a', 'o3-mini').tokensPerSecond).toBeGreaterThan(390)
  })

  it('learn no rate from a cache, from an empty answer, or from a clock that stood still', () => {
    const means = new UsageMeans()
    const fast = usage.completionTokens / TOKENS_PER_SECOND_MAX
    means.learn('a', 'o3-mini', usage, { choices: 1, elapsedMs: fast * 1_000 - 1 })
    means.learn('a', 'o3-mini', usage, { choices: 1, elapsedMs: 0 })
    means.learn('a', 'o3-mini', { ...usage, completionTokens: 0 }, { choices: 1, elapsedMs: 1_000 })
    expect(means.habits('a', 'o3-mini').tokensPerSecond).toBe(FIRST_TOKENS_PER_SECOND)
  })

  it('are kept for a bounded number of keys and models', () => {
    const means = new UsageMeans()
    for (let at = 0; at < MEANS_MAX + 10; at++) {
      means.learn(`key${at}`, `model${at}`, usage, { choices: 1, elapsedMs: 1_000 })
    }
    expect(means.size).toBe(2 * MEANS_MAX)
    expect(means.habits('key0', 'model0').reasoningTokens).toBe(FIRST_REASONING_TOKENS)
  })
})
