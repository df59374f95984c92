import { describe, expect, it } from 'vitest'
import { isServedAs, modelIn } from '../../../src/models/served-model.ts'

describe('the model of an answer', () => {
  it.each([
    ['openai/o3-mini', 'o3-mini'],
    ['openai/o3-mini', 'openai/o3-mini'],
    ['openai/o3-mini', 'o3-mini-2025-01-31'],
    ['openai/gpt-5.1-chat', 'gpt-5.1-chat-latest'],
    ['anthropic/claude-haiku-4-5', 'claude-haiku-4-5-20251001'],
    ['openai/gpt-4', 'gpt-4-0613'],
    ['@cf/vendor/model', 'model'],
    ['o3-mini', 'o3-mini'],
  ])('is that of the slug %s as %s', (slug, served) => {
    expect(isServedAs(slug, served)).toBe(true)
  })

  it.each([
    ['openai/o3-mini', 'o3'],
    ['openai/gpt-4.1', 'gpt-4.1-mini'],
    ['openai/gpt-4.1', 'gpt-4.1-mini-2025-04-14'],
    ['openai/gpt-6-luna', 'gpt-6-sol'],
    ['openai/gpt-6-luna', ''],
    ['openai/gpt-4', 'gpt-4x0613'],
  ])('is not that of the slug %s as %s', (slug, served) => {
    expect(isServedAs(slug, served)).toBe(false)
  })
})

describe('the model that an event names', () => {
  it.each([
    ['{"id":"x","model":"o3-mini","choices":[]}', 'o3-mini'],
    ['{"type":"response.created","response":{"id":"x", "model" : "gpt-6-luna"}}', 'gpt-6-luna'],
    // The beginning of a long event.
    ['{"response":{"model":"gpt-6-luna","output":[{"te', 'gpt-6-luna'],
    // A text with such words has a backslash before each quote.
    [String.raw`{"instructions":"say \"model\":\"x\"","model":"o3"}`, 'o3'],
    ['{"tools":[{"properties":{"model":{"type":"string"}}}],"model":"o3"}', 'o3'],
    ['{"id":"x"}', null],
    ['[DONE]', null],
  ])('in %s is %s', (data, model) => {
    expect(modelIn(data)).toBe(model)
  })
})
