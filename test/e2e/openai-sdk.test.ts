/** The official SDK works, given only another base URL and another key. */
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { describe, expect, inject, it } from 'vitest'
import * as z from 'zod'
import { SEED_ANSWERS, SEED_EXAMPLES } from '../support/seed-examples.ts'

/** The README prints this key. */
const apiKey = 'sk-gw-LocalOffline-ForThisMachineOnlyNotSecret0xan2N'
const baseURL = `${inject('gatewayUrl')}/v1`
const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 })
const model = 'o3-mini'
const messages = [{ role: 'user' as const, content: 'Say hello.' }]

/** Adds the simulator's script, which is absent from the SDK's types. */
function simulate(script: Record<string, unknown>): object {
  return { simulate: { thinkMs: 0, chunkDelayMs: 0, ...script } }
}

describe('client.chat.completions', () => {
  it.each(Object.entries(SEED_EXAMPLES).filter(([, { stream }]) => stream !== true))(
    'create() answers the page’s example: %s',
    async (name, example) => {
      const body = { model, ...example } as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming
      const completion = await client.chat.completions.create(body)
      expect(completion.choices[0]?.message.content).toMatch(SEED_ANSWERS[name] ?? /^$/)
      expect(completion.usage?.total_tokens).toBeGreaterThan(0)
      expect(completion._request_id).toMatch(/^req_[0-9A-Za-z]{32}$/)
    },
  )

  it('create() streams the page’s example, with the usage at its end', async () => {
    const stream = await client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'Explain the concept of recursion with a simple example.' }],
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let usage: OpenAI.CompletionUsage | null | undefined
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage
    }
    expect(text).toMatch(SEED_ANSWERS['streaming'] ?? /^$/)
    expect(usage?.completion_tokens).toBeGreaterThan(0)
  })

  it('stream() collects a whole completion', async () => {
    const stream = client.chat.completions.stream({ model, messages, ...simulate({}) })
    const deltas: string[] = []
    stream.on('content', (delta) => deltas.push(delta))
    const completion = await stream.finalChatCompletion()
    expect(completion.choices[0]?.message.content).toBe(deltas.join(''))
    expect(completion.choices[0]?.finish_reason).toBe('stop')
  })

  it('makes a tool’s round trip', async () => {
    const tools: OpenAI.ChatCompletionTool[] = [
      {
        type: 'function',
        function: {
          name: 'get_weather',
          parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
        },
      },
    ]
    const first = await client.chat.completions.create({ model, messages, tools, ...simulate({}) })
    const message = first.choices[0]?.message
    const call = message?.tool_calls?.[0]
    if (message === undefined || call?.type !== 'function') throw new Error('the answer called no tool')
    expect(JSON.parse(call.function.arguments)).toEqual({ city: expect.any(String) })
    const second = await client.chat.completions.create({
      model,
      tools,
      messages: [...messages, message, { role: 'tool', tool_call_id: call.id, content: '21 degrees' }],
      ...simulate({}),
    })
    expect(second.choices[0]?.finish_reason).toBe('stop')
    expect(second.choices[0]?.message.content).toContain('21 degrees')
  })

  it('runTools() runs the tool', async () => {
    const inputs: unknown[] = []
    const runner = client.chat.completions.runTools({
      model,
      messages,
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_time',
            description: 'The time in a city',
            parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
            parse: JSON.parse,
            function: (input: { city: string }) => {
              inputs.push(input)
              return 'noon'
            },
          },
        },
      ],
    })
    expect(await runner.finalContent()).toContain('noon')
    expect(inputs).toEqual([{ city: expect.any(String) }])
  })

  it('parse() returns an object of a zod schema', async () => {
    const Event = z.object({
      name: z.string(),
      day: z.enum(['monday', 'friday']),
      guests: z.array(z.string()),
      count: z.int(),
    })
    const completion = await client.chat.completions.parse({
      model,
      messages,
      response_format: zodResponseFormat(Event, 'event'),
      ...simulate({}),
    })
    expect(Event.parse(completion.choices[0]?.message.parsed)).toBeDefined()
  })

  it('can be aborted in the middle of a stream', async () => {
    const stream = await client.chat.completions.create({
      model,
      messages,
      stream: true,
      ...simulate({ hang: 2 }),
    })
    let chunks = 0
    for await (const _chunk of stream) {
      chunks += 1
      if (chunks === 2) stream.controller.abort()
    }
    expect(chunks).toBe(2)
  })

  it('can be aborted before the answer', async () => {
    const abort = new AbortController()
    const pending = client.chat.completions.create(
      { model, messages, ...simulate({ hang: true }) },
      { signal: abort.signal },
    )
    setTimeout(() => abort.abort(), 200)
    await expect(pending).rejects.toBeInstanceOf(OpenAI.APIUserAbortError)
  })
})

describe('errors have the SDK’s classes', () => {
  it('BadRequestError with param and code', async () => {
    const error = await client.chat.completions
      .create({ model, messages, temperature: 3 })
      .catch((e: unknown) => e)
    expect(error).toBeInstanceOf(OpenAI.BadRequestError)
    expect(error).toMatchObject({
      status: 400,
      param: 'temperature',
      code: 'decimal_above_max_value',
      requestID: expect.stringMatching(/^req_/),
    })
  })

  it('AuthenticationError for an unknown key', async () => {
    const unknown = new OpenAI({ apiKey: 'sk-wrong-and-long-enough', baseURL, maxRetries: 0 })
    const error = await unknown.models.list().catch((e: unknown) => e)
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key' })
  })

  it('NotFoundError for an unknown model', async () => {
    const error = await client.chat.completions.create({ model: 'gpt-99', messages }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(OpenAI.NotFoundError)
    expect(error).toMatchObject({ code: 'model_not_found' })
  })

  it.each([
    [
      'RateLimitError',
      { error: { shape: 'cloudflare_errors', status: 429, code: 3040 } },
      OpenAI.RateLimitError,
    ],
    ['InternalServerError', { throw: 'broken' }, OpenAI.InternalServerError],
  ])('%s when the upstream fails', async (_name, script, type) => {
    const body = { model, messages, ...simulate(script) }
    await expect(client.chat.completions.create(body)).rejects.toBeInstanceOf(type)
  })
})

describe('client.models', () => {
  it('lists and retrieves models', async () => {
    const ids: string[] = []
    for await (const { id } of client.models.list()) ids.push(id)
    expect(ids).toContain('o3-mini')
    expect((await client.models.retrieve('openai/o3-mini')).id).toBe('openai/o3-mini')
  })
})
