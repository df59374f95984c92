/** Requests of the Responses API, and the tools and results that the reply takes from them. */
import { describe, expect, it } from 'vitest'
import { apiFormatOf } from '../../../../src/local/api-format.ts'
import { replyTo } from '../../../../src/local/model/reply.ts'
import { seededRandom } from '../../../../src/local/model/seeded-random.ts'
import { parseResponsesRequest } from '../../../../src/local/responses/parse-request.ts'

type Request = Record<string, unknown>

const HELLO = { input: 'Hello there!' }
const WEATHER = {
  type: 'function',
  name: 'get_weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}

function reply(request: Request) {
  const parsed = parseResponsesRequest({ ...HELLO, ...request })
  if ('refused' in parsed) throw new Error(parsed.message)
  return replyTo(parsed, seededRandom('test'))
}

describe('a request', () => {
  it('belongs to the Responses API if it has input and no messages', () => {
    const paths = [HELLO, { messages: [] }, { messages: [], input: '' }, {}].map(
      (request) => apiFormatOf(request).path,
    )
    expect(paths).toEqual(['/responses', '/chat/completions', '/chat/completions', '/chat/completions'])
  })

  it('asks the question of its last user item, in text or in parts', () => {
    const input = [
      { role: 'user', content: 'One?' },
      { role: 'assistant', content: [{ type: 'output_text', text: 'No.' }] },
      { role: 'user', content: [{ type: 'input_text', text: 'Two?' }, { type: 'input_image' }] },
    ]
    expect(parseResponsesRequest({ input })).toMatchObject({
      question: 'Two?',
      turns: ['One?', 'No.', 'Two?'],
    })
    expect(parseResponsesRequest({ ...HELLO, instructions: 'Be brief.' })).toMatchObject({
      question: 'Hello there!',
      turns: ['Be brief.', 'Hello there!'],
    })
  })

  it.each<[string, unknown, string | undefined]>([
    ['auto', 'auto', 'get_weather'],
    ['none', 'none', undefined],
    ['a name', { type: 'function', name: 'get_time' }, 'get_time'],
    ['allowed ones', { type: 'allowed_tools', mode: 'auto', tools: [{ name: 'get_time' }] }, 'get_time'],
    ['a built-in tool', { type: 'web_search' }, 'get_weather'],
  ])('chooses a tool: %s', (_name, choice, name) => {
    const tools = [{ type: 'web_search' }, WEATHER, { type: 'function', name: 'get_time' }]
    expect(reply({ tools, tool_choice: choice }).choices[0]?.call?.name).toBe(name)
  })

  it('gets an answer that quotes the results of its tools', () => {
    const input = [
      { role: 'user', content: 'Weather?' },
      { type: 'function_call', call_id: 'a', name: 'get_weather', arguments: '{}' },
      { type: 'function_call_output', call_id: 'a', output: '21 degrees' },
      { type: 'function_call_output', call_id: 'b', output: [{ type: 'input_text', text: 'and sunny' }] },
    ]
    expect(reply({ input, tools: [WEATHER] }).choices[0]?.pieces.join('')).toMatch(/21 degrees.*and sunny/)
  })

  it.each<[string, Request, string]>([
    ['input', { input: [{ role: 5 }] }, "Invalid 'input'"],
    [
      'tools[0].name',
      { ...HELLO, tools: [{ type: 'function', function: { name: 'f' } }] },
      "Missing required parameter: 'tools[0].name'.",
    ],
    [
      'tool_choice',
      { ...HELLO, tools: [WEATHER], tool_choice: { type: 'function', name: 'nope' } },
      'there is no tool',
    ],
  ])('with an invalid field is refused by the field’s name: %s', (param, request, message) => {
    expect(parseResponsesRequest(request)).toMatchObject({
      refused: true,
      param,
      message: expect.stringContaining(message),
    })
  })
})
