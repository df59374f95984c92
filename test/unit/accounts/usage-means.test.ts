import { describe, expect, it } from 'vitest'
import {
  FIRST_COMPLETION_TOKENS,
  FIRST_REASONING_TOKENS,
  FIRST_TOKENS_PER_SECOND,
  MEANS_MAX,
  TOKENS_PER_SECOND_MAX,
  UsageMeans,
} from '../../../src/accounts/usage-means.ts'

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
    expect(means.habits('a', 'o3-mini')).toEqual({ reasoningTokens: 150, tokensPerSecond: 125 })
    expect(means.habits('b', 'o3-mini')).toEqual({
      reasoningTokens: FIRST_REASONING_TOKENS,
      tokensPerSecond: 125,
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
    expect(means.size).toBe(3 * MEANS_MAX)
    expect(means.habits('key0', 'model0').reasoningTokens).toBe(FIRST_REASONING_TOKENS)
  })

  it('reserve a key’s mean completion, and never more than the cap', () => {
    const means = new UsageMeans()
    expect(means.reserve('a', undefined, 1)).toBe(FIRST_COMPLETION_TOKENS)
    expect(means.reserve('a', 50, 2)).toBe(100)
    means.learn('a', 'o3-mini', { ...usage, completionTokens: 100 }, { choices: 1, elapsedMs: 1_000 })
    means.learn('a', 'o3-mini', { ...usage, completionTokens: 600 }, { choices: 2, elapsedMs: 1_000 })
    expect([means.reserve('a', undefined, 1), means.reserve('b', undefined, 1)]).toEqual([
      200,
      FIRST_COMPLETION_TOKENS,
    ])
  })
})
