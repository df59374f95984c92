/** The events of a chat completion stream have the fields and the order of a real stream. */
import { describe, expect, it } from 'vitest'
import { parseChatRequest } from '../../../../src/local/chat/parse-request.ts'
import { completionEvents } from '../../../../src/local/chat/completion-stream.ts'
import { chatCompletion } from '../../../../src/local/chat/completion.ts'
import { envelopeOf } from '../../../../src/local/model/envelope.ts'
import { replyTo } from '../../../../src/local/model/reply.ts'
import { seededRandom } from '../../../../src/local/model/seeded-random.ts'

interface Chunk {
  id: string
  choices: { index: number; delta: { content?: string }; finish_reason: string | null }[]
  usage?: Record<string, unknown> | null
  obfuscation?: string
}

const REQUEST = { messages: [{ role: 'user', content: 'Hello there!' }] }

function eventsOf(
  request: Record<string, unknown>,
  options: { includeUsage?: boolean; includeObfuscation?: boolean; usage?: null } = {},
) {
  const parsed = parseChatRequest({ ...REQUEST, ...request })
  if ('refused' in parsed) throw new Error(parsed.message)
  const random = seededRandom(JSON.stringify(request))
  const envelope = envelopeOf('openai/o3-mini', random)
  const reply = replyTo(parsed, random)
  const all = { includeUsage: false, includeObfuscation: true, usage: undefined, ...options }
  const events = [...completionEvents(envelope, reply, all, random)].map(({ text }) => text)
  expect(events.pop()).toBe('data: [DONE]\n\n')
  expect(events.every((event) => /^data: \{.*\}\n\n$/.test(event))).toBe(true)
  return {
    chunks: events.map((event) => JSON.parse(event.slice(6)) as Chunk),
    answer: chatCompletion(envelope, reply),
  }
}

describe('a completion stream', () => {
  it('has the fields of a real stream in their order, and the usage in a last chunk without choices', () => {
    const { chunks, answer } = eventsOf({}, { includeUsage: true })
    const fields = [
      'id',
      'object',
      'created',
      'model',
      'service_tier',
      'system_fingerprint',
      'choices',
      'usage',
      'obfuscation',
    ]
    for (const chunk of chunks) expect(Object.keys(chunk)).toEqual(fields)
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    expect(chunks[0]).toMatchObject({
      object: 'chat.completion.chunk',
      model: 'o3-mini-2025-01-31',
      usage: null,
    })
    expect(chunks[0]?.choices).toEqual([
      { index: 0, delta: { role: 'assistant', content: '', refusal: null }, finish_reason: null },
    ])
    expect(chunks.at(-2)?.choices).toEqual([{ index: 0, delta: {}, finish_reason: 'stop' }])
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true)
    expect(chunks.at(-1)?.choices).toEqual([])
    expect(chunks.at(-1)?.usage).toEqual((answer as Chunk).usage)
  })

  it('has no usage and no padding unless the request asks for them', () => {
    const { chunks } = eventsOf({}, { includeObfuscation: false })
    for (const chunk of chunks) expect(chunk).not.toHaveProperty('usage')
    for (const chunk of chunks) expect(chunk).not.toHaveProperty('obfuscation')
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
    expect(eventsOf({}, { includeUsage: true, usage: null }).chunks.at(-1)?.choices).toHaveLength(1)
  })

  it('has the text of the JSON answer, word by word', () => {
    const { chunks, answer } = eventsOf({ n: 2 })
    const said = [0, 1].map((wanted) =>
      chunks
        .flatMap(({ choices }) =>
          choices.filter(({ index }) => index === wanted).map(({ delta }) => delta.content ?? ''),
        )
        .join(''),
    )
    expect(said).toEqual(
      (answer as unknown as { choices: { message: { content: string } }[] }).choices.map(
        ({ message }) => message.content,
      ),
    )
    expect(chunks.length).toBeGreaterThan(20)
  })

  it('streams the name of a called tool first, then its arguments in pieces', () => {
    const parameters = { type: 'object', properties: { city: { type: 'string' } } }
    const { chunks } = eventsOf({
      tools: [{ type: 'function', function: { name: 'get_weather', parameters } }],
    })
    const deltas = chunks.map(({ choices }) => choices[0]?.delta)
    expect(deltas[0]).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [
        {
          index: 0,
          id: expect.stringMatching(/^call_\w{24}$/),
          type: 'function',
          function: { name: 'get_weather', arguments: '' },
        },
      ],
      refusal: null,
    })
    const pieces = deltas
      .slice(1, -1)
      .map(
        (delta) =>
          (delta as { tool_calls: [{ function: { arguments: string } }] }).tool_calls[0].function.arguments,
      )
    expect(pieces.length).toBeGreaterThan(1)
    expect(JSON.parse(pieces.join(''))).toEqual({ city: 'city' })
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls')
  })

  it('streams a deprecated function and a custom tool in their own fields', () => {
    const legacy = eventsOf({ functions: [{ name: 'f' }] }).chunks
    expect(legacy[0]?.choices[0]?.delta).toMatchObject({ function_call: { name: 'f', arguments: '' } })
    expect(legacy[1]?.choices[0]?.delta).toEqual({ function_call: { arguments: '{}' } })
    expect(legacy.at(-1)?.choices[0]?.finish_reason).toBe('function_call')
    const custom = eventsOf({ tools: [{ type: 'custom', custom: { name: 'c' } }] }).chunks
    expect(custom[0]?.choices[0]?.delta).toMatchObject({
      tool_calls: [{ type: 'custom', custom: { name: 'c', input: '' } }],
    })
    expect(custom[1]?.choices[0]?.delta).toEqual({ tool_calls: [{ index: 0, custom: { input: 'Hello' } }] })
  })
})

describe('a completion', () => {
  it('has the fields of a real completion in their order', () => {
    const { answer } = eventsOf({})
    expect(Object.keys(answer)).toEqual([
      'id',
      'object',
      'created',
      'model',
      'service_tier',
      'system_fingerprint',
      'choices',
      'usage',
      'gatewayMetadata',
    ])
    expect(answer).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-\w{29}$/),
      choices: [
        { index: 0, finish_reason: 'stop', message: { role: 'assistant', refusal: null, annotations: [] } },
      ],
      usage: { prompt_tokens: 6, completion_tokens_details: { reasoning_tokens: 256, audio_tokens: 0 } },
    })
  })
})
