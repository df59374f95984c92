import { describe, expect, it } from 'vitest'
import type { Api, ModelRequest } from '../../../src/apis/api.ts'
import { chatCompletions } from '../../../src/apis/chat-completions.ts'
import { responses } from '../../../src/apis/responses.ts'
import { estimatePromptTokens } from '../../../src/apis/prompt-tokens.ts'

function promptTokens<Request extends ModelRequest>(api: Api<Request>, request: Request): number {
  return estimatePromptTokens(api.measurePrompt(request))
}

const user = (content: string) => ({ role: 'user' as const, content })
const hello = { model: 'o3-mini', messages: [user('Hello there, dear model!')] }

describe('the estimate of a prompt', () => {
  it('is a quarter of its characters and three tokens a message', () => {
    expect(promptTokens(chatCompletions, hello)).toBe(24 / 4 + 3)
    expect(promptTokens(chatCompletions, { ...hello, messages: [...hello.messages, user('')] })).toBe(6 + 6)
  })

  it('counts text parts, tool calls and tool definitions, and nothing for an image', () => {
    const image = { type: 'image_url' as const, image_url: { url: `data:${'A'.repeat(10_000)}` } }
    const parts = [{ type: 'text' as const, text: 'four' }, image]
    expect(promptTokens(chatCompletions, { ...hello, messages: [{ role: 'user', content: parts }] })).toBe(
      1 + 3,
    )
    const tools = [{ type: 'function' as const, function: { name: 'f' } }]
    expect(promptTokens(chatCompletions, { ...hello, tools })).toBeGreaterThan(
      promptTokens(chatCompletions, hello),
    )
  })

  it('counts a text or items, instructions and tools of the Responses API', () => {
    const asked = { model: 'o3-mini', input: 'Hello there, dear model!' }
    expect(promptTokens(responses, asked)).toBe(6 + 3)
    expect(promptTokens(responses, { ...asked, instructions: 'Be brief' })).toBe(8 + 3)
    const items = [
      { role: 'user', content: [{ type: 'input_text', text: 'four' }, { type: 'input_image' }] },
      { type: 'function_call', arguments: '{"a": 1}' },
      { type: 'function_call_output', output: 'four' },
      { type: 'reasoning', encrypted_content: 'x'.repeat(1000) },
      { content: { text: [[['deep']]] } },
    ]
    expect(promptTokens(responses, { ...asked, input: items })).toBe(4 + 5 * 3)
    const tools = [{ type: 'function', name: 'f' }]
    expect(promptTokens(responses, { ...asked, tools })).toBeGreaterThan(6 + 3)
  })
})
