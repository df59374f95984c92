/** The reply to a chat request, without a wire format and without a clock. */
import { describe, expect, it } from 'vitest'
import { parseChatRequest } from '../../../../src/local/chat/parse-request.ts'
import { replyTo } from '../../../../src/local/model/reply.ts'
import { seededRandom } from '../../../../src/local/model/seeded-random.ts'

function reply(request: Record<string, unknown>, scriptedChunks?: number) {
  const parsed = parseChatRequest({ messages: [{ role: 'user', content: 'Hello there!' }], ...request })
  if ('refused' in parsed) throw new Error(parsed.message)
  return replyTo(parsed, seededRandom('test'), scriptedChunks)
}

function text(request: Record<string, unknown>): string {
  return reply(request).choices[0]?.pieces.join('') ?? ''
}

function asking(content: unknown) {
  return { messages: [{ role: 'user', content }] }
}

const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { enum: ['c', 'f'] } },
      required: ['city'],
      additionalProperties: false,
    },
  },
}
const CLOCK = { type: 'function', function: { name: 'get_time' } }

describe('a text', () => {
  it.each([
    ['What are the three laws of thermodynamics?', 'entropy'],
    ['How do I read a JSON file in Python?', 'json.load(file)'],
    ['Yes, what are some good places to stop?', 'Monterey'],
    ['Write a short story opening about a detective finding an unusual clue.', 'Elena Marquez'],
    ['Explain the concept of recursion with a simple example.', 'base case'],
  ])('answers the example of the model’s page on its topic: %s', (question, expected) => {
    expect(text(asking(question))).toContain(expected)
  })

  it('names the simulator and quotes the question, a long one only in part', () => {
    expect(text(asking('Why is the sky blue?'))).toMatch(/offline simulator.*“Why is the sky blue\?”/s)
    expect(
      text(
        asking([
          { type: 'text', text: 'Part one.' },
          { type: 'image_url', image_url: { url: 'x' } },
        ]),
      ),
    ).toContain('Part one.')
    expect(text(asking('long '.repeat(1_000))).length).toBeLessThan(700)
  })

  it('ends before a stop text', () => {
    const whole = reply(asking('stop before HERE and not after'))
    const stopped = reply({ ...asking('stop before HERE and not after'), stop: ['nowhere', 'HERE'] })
    expect(stopped.choices[0]).toMatchObject({ end: 'stop' })
    expect(stopped.choices[0]?.pieces.join('')).toMatch(/stop before $/)
    expect(stopped.tokens.completion).toBeLessThan(whole.tokens.completion)
  })

  it('is one of n different texts, and each costs its own tokens', () => {
    const one = reply({})
    const three = reply({ n: 3 })
    expect(new Set(three.choices.map(({ pieces }) => pieces.join(''))).size).toBe(3)
    expect(three.tokens.prompt).toBe(one.tokens.prompt)
    expect(three.tokens.reasoning).toBe(one.tokens.reasoning * 3)
  })

  it('has exactly as many words as the script has chunks', () => {
    expect(reply({}, 250).choices[0]?.pieces).toHaveLength(250)
    expect(reply({ tools: [WEATHER] }, 2).choices[0]).toMatchObject({
      call: null,
      pieces: [expect.any(String), expect.any(String)],
    })
    expect(reply({}, 0).choices[0]).toMatchObject({ pieces: [], end: 'stop' })
  })
})

describe('the tokens', () => {
  it.each([
    ['low', 64],
    [undefined, 256],
    [null, 256],
    ['medium', 256],
    ['high', 1024],
  ])('include reasoning tokens: effort %s costs %i', (effort, reasoning) => {
    const { tokens } = reply({ reasoning_effort: effort })
    expect(tokens.reasoning).toBe(reasoning)
    expect(tokens.completion).toBeGreaterThan(reasoning)
  })

  it('count tools and schemas as part of the prompt', () => {
    expect(reply({ tools: [WEATHER] }).tokens.prompt).toBeGreaterThan(reply({}).tokens.prompt + 20)
  })

  it.each([1, 63, 64, 65, 70, 10_000])('never exceed a maximum of %i, reasoning included', (max) => {
    for (const field of ['max_completion_tokens', 'max_tokens']) {
      const { tokens, choices } = reply({ [field]: max, reasoning_effort: 'low' })
      expect(tokens.completion).toBeLessThanOrEqual(max)
      expect(choices[0]?.end).toBe(max === 10_000 ? 'stop' : 'length')
      if (max <= 64) expect(choices[0]).toMatchObject({ call: null, pieces: [] })
    }
  })

  it('also limit a tool call, in the middle of its arguments', () => {
    const { choices } = reply({ tools: [WEATHER], reasoning_effort: 'low', max_completion_tokens: 66 })
    expect(choices[0]).toMatchObject({ end: 'length', call: { name: 'get_weather' } })
    expect(choices[0]?.pieces.join('')).toBe('{"city":')
  })
})

describe('a tool', () => {
  it('is called with arguments that satisfy its schema', () => {
    const { choices } = reply({ tools: [WEATHER, CLOCK] })
    expect(choices[0]).toMatchObject({ end: 'call', call: { kind: 'function', name: 'get_weather' } })
    expect(JSON.parse(choices[0]?.pieces.join('') ?? '')).toEqual({ city: 'city', unit: 'c' })
  })

  it.each<[string, unknown, string | undefined]>([
    ['auto', 'auto', 'get_weather'],
    ['required', 'required', 'get_weather'],
    ['none', 'none', undefined],
    ['a name', { type: 'function', function: { name: 'get_time' } }, 'get_time'],
    [
      'a list of allowed ones',
      {
        type: 'allowed_tools',
        allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'get_time' } }] },
      },
      'get_time',
    ],
  ])('is chosen by tool_choice: %s', (_, toolChoice, name) => {
    expect(reply({ tools: [WEATHER, CLOCK], tool_choice: toolChoice }).choices[0]?.call?.name).toBe(name)
  })

  it('that is chosen by name must be among the tools', () => {
    const request = {
      messages: [],
      tools: [WEATHER],
      tool_choice: { type: 'function', function: { name: 'nope' } },
    }
    expect(parseChatRequest(request)).toMatchObject({ refused: true, param: 'tool_choice' })
  })

  it('is not called again after its result: the text quotes the results', () => {
    const messages = [
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'a', type: 'function', function: { name: 'get_weather', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'a', content: '21 degrees' },
      { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: 'and sunny' }] },
    ]
    expect(text({ messages, tools: [WEATHER], tool_choice: 'required' })).toMatch(/21 degrees.*and sunny/)
    expect(
      reply({ messages: [...messages, { role: 'user', content: 'And now?' }], tools: [WEATHER] }).choices[0]
        ?.end,
    ).toBe('call')
  })

  it('can be a deprecated function or a custom tool', () => {
    const functions = [WEATHER.function]
    expect(reply({ functions }).choices[0]?.call).toMatchObject({ kind: 'legacy', name: 'get_weather' })
    expect(reply({ functions, function_call: 'none' }).choices[0]?.call).toBeNull()
    expect(
      text({
        functions,
        messages: [
          { role: 'user', content: 'x' },
          { role: 'function', name: 'get_weather', content: '21' },
        ],
      }),
    ).toContain('“21”')
    const custom = reply({ tools: [{ type: 'custom', custom: { name: 'shell' } }] }).choices[0]
    expect(custom).toMatchObject({ call: { kind: 'custom', name: 'shell' } })
    expect(custom?.pieces.join('')).toBe('Hello there!')
  })
})

describe('a response format', () => {
  it('fills a json_schema', () => {
    const schema = {
      type: 'object',
      properties: { steps: { type: 'array', items: { type: 'string' }, minItems: 2 } },
      required: ['steps'],
    }
    const filled = text({ response_format: { type: 'json_schema', json_schema: { name: 'plan', schema } } })
    expect(JSON.parse(filled)).toEqual({ steps: ['steps', 'steps 2'] })
  })

  it('answers json_object with an object', () => {
    expect(JSON.parse(text({ response_format: { type: 'json_object' } }))).toMatchObject({
      question: 'Hello there!',
    })
  })
})

describe('an invalid request', () => {
  it.each<[string, Record<string, unknown>]>([
    ['messages', {}],
    ['messages[1].role', { messages: [{ role: 'user' }, { content: 'x' }] }],
    ['n', { messages: [], n: 0 }],
  ])('is refused by the name of the field: %s', (param, request) => {
    expect(parseChatRequest(request)).toMatchObject({ refused: true, param })
  })
})
