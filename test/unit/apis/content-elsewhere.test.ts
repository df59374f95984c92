/** A prompt that does not stand in the body as a whole is known to be longer than it. */
import { describe, expect, it } from 'vitest'
import { chatCompletions } from '../../../src/apis/chat-completions.ts'
import { responses } from '../../../src/apis/responses.ts'

const model = 'o3-mini'
const user = { role: 'user' as const, content: 'Hi' }

describe('a prompt', () => {
  it.each<[string, object]>([
    ['a stored response', { previous_response_id: 'resp_1' }],
    ['a conversation', { conversation: 'conv_1' }],
    ['a stored prompt', { prompt: { id: 'pmpt_1' } }],
    ['an item by its id', { input: [user, { type: 'item_reference', id: 'msg_1' }] }],
    ['an item by its id alone', { input: [user, { id: 'msg_1' }] }],
    ['reasoning by its id', { input: [user, { type: 'reasoning', id: 'rs_1', summary: [] }] }],
    ['a file', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }] }],
    ['an image', { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:' }] }] }],
    ['a hosted tool', { tools: [{ type: 'web_search' }] }],
    ['a hosted tool in an item', { input: [{ type: 'additional_tools', tools: [{ type: 'mcp' }] }] }],
  ])('is longer than a response’s body with %s', (_what, fields) => {
    expect(responses.hasContentElsewhere({ model, input: 'Hi', ...fields })).toBe(true)
  })

  it.each<[string, object]>([
    ['earlier audio', { messages: [user, { role: 'assistant', audio: { id: 'audio_1' } }] }],
    ['a file', { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] }],
    ['a web search', { web_search_options: {} }],
  ])('is longer than a chat’s body with %s', (_what, fields) => {
    expect(chatCompletions.hasContentElsewhere({ model, messages: [user], ...fields })).toBe(true)
  })

  it('is not longer with texts, tool calls, a tier and reasoning that comes whole', () => {
    const input = [
      user,
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAA' },
      { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: '{}' },
    ]
    const tools = [{ type: 'function', name: 'f' }]
    const asked = { model, input, tools, service_tier: 'flex', store: true }
    expect(responses.hasContentElsewhere(asked)).toBe(false)
    expect(chatCompletions.hasContentElsewhere({ model, messages: [user] })).toBe(false)
  })
})
