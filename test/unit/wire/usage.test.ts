import { describe, expect, it } from 'vitest'
import { parseUsage } from '../../../src/wire/usage.ts'

const usage = {
  promptTokens: 36,
  cachedTokens: 8,
  cacheWriteTokens: 4,
  completionTokens: 212,
  reasoningTokens: 192,
}

describe('a usage', () => {
  it('is parsed from the field names of either API', () => {
    const chat = {
      prompt_tokens: 36,
      completion_tokens: 212,
      prompt_tokens_details: { cached_tokens: 8, cache_write_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 192 },
    }
    const response = {
      input_tokens: 36,
      output_tokens: 212,
      input_tokens_details: { cached_tokens: 8, cache_write_tokens: 4 },
      output_tokens_details: { reasoning_tokens: 192 },
    }
    expect([parseUsage(chat), parseUsage(response)]).toEqual([usage, usage])
  })

  it('is valid without details, and null without both counts', () => {
    expect(parseUsage({ input_tokens: 1, output_tokens: 2 })).toMatchObject({
      cachedTokens: 0,
      cacheWriteTokens: 0,
      reasoningTokens: 0,
    })
    for (const invalid of [
      null,
      undefined,
      {},
      { input_tokens: 1 },
      { input_tokens: -1, output_tokens: 2 },
    ]) {
      expect(parseUsage(invalid)).toBeNull()
    }
  })
})
