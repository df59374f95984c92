/** The simulated models of the catalog refuse what the vendor’s own do. */
import { describe, expect, it } from 'vitest'
import { modelRefusal } from '../../../src/local/model-refusal.ts'

const CHAT = { messages: [{ role: 'user', content: 'Hi' }] }
const RESPONSES = { input: 'Hi' }
const TOOLS = { tools: [{ type: 'function', function: { name: 'f' } }] }

describe('a model', () => {
  it.each([
    ['openai/gpt-5.1-chat', RESPONSES, { param: 'model' }],
    ['openai/gpt-5.6-luna', CHAT, { param: 'model', status: 404 }],
    ['openai/o4-mini', CHAT, { param: null, status: 404, code: 'model_not_found' }],
    ['openai/o4-mini', RESPONSES, { param: null, status: 404, code: 'model_not_found' }],
    ['openai/gpt-6-luna', { ...CHAT, ...TOOLS }, { param: 'reasoning_effort' }],
    ['openai/gpt-6.1-sol', { ...CHAT, ...TOOLS, reasoning_effort: 'none' }, { param: 'reasoning_effort' }],
    [
      'openai/gpt-6-luna',
      { ...CHAT, stream_options: { include_usage: true, include_obfuscation: false } },
      { param: 'stream_options.include_obfuscation' },
    ],
  ])('%s refuses %j', (slug, request, refusal) => {
    expect(modelRefusal(slug, request)).toMatchObject({ refused: true, ...refusal })
  })

  it.each([
    ['openai/gpt-5.1-chat', CHAT],
    ['openai/gpt-5.6-luna', RESPONSES],
    ['openai/gpt-6-luna', RESPONSES],
    ['openai/gpt-6-luna', { ...CHAT, ...TOOLS, reasoning_effort: 'none' }],
    ['openai/gpt-6-luna', { ...CHAT, stream_options: { include_usage: true } }],
    ['openai/o3-mini', { ...CHAT, stream_options: { include_obfuscation: false } }],
    ['vendor/unknown', { ...CHAT, ...TOOLS }],
  ])('%s takes %j', (slug, request) => {
    expect(modelRefusal(slug, request)).toBeNull()
  })
})
