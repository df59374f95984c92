import { describe, expect, it } from 'vitest'
import {
  CompletionForecast,
  estimatePromptTokens,
  FIRST_COMPLETION_TOKENS,
  FORECAST_KEYS_MAX,
} from '../../../src/limits/forecast.ts'

const user = (content: string) => ({ role: 'user' as const, content })
const hello = { model: 'o3-mini', messages: [user('Hello there, dear model!')] }

describe('the estimate of a prompt', () => {
  it('is a quarter of its characters and three tokens a message', () => {
    expect(estimatePromptTokens(hello)).toBe(24 / 4 + 3)
    expect(estimatePromptTokens({ ...hello, messages: [...hello.messages, user('')] })).toBe(6 + 6)
  })

  it('counts text parts, calls of tools and their definitions, and nothing for an image', () => {
    const image = { type: 'image_url' as const, image_url: { url: `data:${'A'.repeat(10_000)}` } }
    const parts = [{ type: 'text' as const, text: 'four' }, image]
    expect(estimatePromptTokens({ ...hello, messages: [{ role: 'user', content: parts }] })).toBe(1 + 3)
    const tools = [{ type: 'function' as const, function: { name: 'f' } }]
    expect(estimatePromptTokens({ ...hello, tools })).toBeGreaterThan(estimatePromptTokens(hello))
  })

  it('for the Responses API counts a text or items, instructions and tools', () => {
    const asked = { model: 'o3-mini', input: 'Hello there, dear model!' }
    expect(estimatePromptTokens(asked)).toBe(6 + 3)
    expect(estimatePromptTokens({ ...asked, instructions: 'Be brief' })).toBe(8 + 3)
    const items = [
      { role: 'user', content: [{ type: 'input_text', text: 'four' }, { type: 'input_image' }] },
      { type: 'function_call', arguments: '{"a": 1}' },
      { type: 'function_call_output', output: 'four' },
      { type: 'reasoning', encrypted_content: 'x'.repeat(1000) },
      { content: { text: [[['deep']]] } },
    ]
    expect(estimatePromptTokens({ ...asked, input: items })).toBe(4 + 5 * 3)
    const tools = [{ type: 'function', name: 'f' }]
    expect(estimatePromptTokens({ ...asked, tools })).toBeGreaterThan(6 + 3)
  })
})

describe('the forecast of a completion', () => {
  it('begins with a default, and is never more than the request allows', () => {
    const forecast = new CompletionForecast()
    expect(forecast.reserve('a', hello)).toBe(FIRST_COMPLETION_TOKENS)
    expect(forecast.reserve('a', { ...hello, max_completion_tokens: 50, n: 2 })).toBe(100)
  })

  it('for the Responses API heeds its own maximum, and no parameter that only chat has', () => {
    const forecast = new CompletionForecast()
    const unchecked = { model: 'o3-mini', input: 'Hi', n: -5, max_tokens: -1_000 }
    expect(forecast.reserve('a', unchecked)).toBe(FIRST_COMPLETION_TOKENS)
    expect(forecast.reserve('a', { ...unchecked, max_output_tokens: 70 })).toBe(70)
  })

  it('follows the mean of the key’s own completions', () => {
    const forecast = new CompletionForecast()
    forecast.learn('a', 100, 1)
    forecast.learn('a', 600, 2)
    expect([forecast.reserve('a', hello), forecast.reserve('b', hello)]).toEqual([
      200,
      FIRST_COMPLETION_TOKENS,
    ])
    for (let i = 0; i < 200; i++) forecast.learn('a', 1000, 1)
    expect(forecast.reserve('a', hello)).toBeGreaterThan(990)
  })

  it('remembers a bounded number of keys', () => {
    const forecast = new CompletionForecast()
    for (let i = 0; i < FORECAST_KEYS_MAX + 10; i++) forecast.learn(`key ${i}`, 7, 1)
    expect(forecast.size).toBe(FORECAST_KEYS_MAX)
    expect(forecast.reserve('key 0', hello)).toBe(FIRST_COMPLETION_TOKENS)
  })
})
