/** The Responses API works with the official SDK, given only another base URL and another key. */
import OpenAI from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import { describe, expect, inject, it } from 'vitest'
import * as z from 'zod'

/** The README prints this key. */
const apiKey = 'sk-gw-LocalOffline-ForThisMachineOnlyNotSecret0xan2N'
const baseURL = `${inject('gatewayUrl')}/v1`
const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 })
const model = 'o3-mini'
const input = 'Explain the concept of recursion with a simple example.'

/** Adds the simulator's script, which is absent from the SDK's types. */
function simulate(script: Record<string, unknown>): object {
  return { simulate: { thinkMs: 0, chunkDelayMs: 0, ...script } }
}

const WEATHER: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'get_weather',
  strict: true,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
}

describe('client.responses', () => {
  it('create() returns a text, with the usage and the request id', async () => {
    const response = await client.responses.create({ model, input, ...simulate({}) })
    expect(response.output_text).toMatch(/base case/)
    expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message'])
    expect(response).toMatchObject({ object: 'response', status: 'completed', model: 'o3-mini-2025-01-31' })
    const { input_tokens, output_tokens, total_tokens, output_tokens_details } = response.usage ?? {}
    expect(total_tokens).toBe((input_tokens ?? NaN) + (output_tokens ?? NaN))
    expect(output_tokens_details?.reasoning_tokens).toBeGreaterThan(0)
    expect(response._request_id).toMatch(/^req_[0-9A-Za-z]{32}$/)
  })

  it('create() accepts items with parts, instructions and an effort', async () => {
    const response = await client.responses.create({
      model,
      instructions: 'Be brief.',
      reasoning: { effort: 'low' },
      input: [
        { role: 'developer', content: 'Be kind.' },
        { role: 'user', content: [{ type: 'input_text', text: 'What is a gateway?' }] },
      ],
      ...simulate({}),
    })
    expect(response.output_text).toContain('What is a gateway?')
    expect(response.reasoning?.effort).toBe('low')
    expect(response.instructions).toBe('Be brief.')
  })

  it('create() streams numbered events, from response.created to response.completed', async () => {
    const stream = await client.responses.create({ model, input, stream: true, ...simulate({}) })
    const events: OpenAI.Responses.ResponseStreamEvent[] = []
    for await (const event of stream) events.push(event)
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual([...events.keys()])
    const types = events.map(({ type }) => type)
    expect(types.filter((type, at) => type !== types[at - 1])).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.output_item.done',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    const last = events.at(-1)
    if (last?.type !== 'response.completed') throw new Error('the last event is not response.completed')
    expect(last.response.usage?.output_tokens).toBeGreaterThan(0)
  })

  it('stream() collects the response of the last event', async () => {
    const stream = client.responses.stream({ model, input, ...simulate({}) })
    const deltas: string[] = []
    let completed: OpenAI.Responses.Response | undefined
    stream.on('response.output_text.delta', ({ delta, snapshot }) => {
      deltas.push(delta)
      expect(snapshot).toBe(deltas.join(''))
    })
    stream.on('response.completed', ({ response }) => {
      completed = response
    })
    const response = await stream.finalResponse()
    expect(response.output_text).toBe(deltas.join(''))
    expect(response.output_text).toMatch(/base case/)
    expect(response.usage).toEqual(completed?.usage)
  })

  it('stream() collects the arguments of a tool call', async () => {
    const stream = client.responses.stream({ model, input, tools: [WEATHER], ...simulate({}) })
    let snapshot = ''
    stream.on('response.function_call_arguments.delta', (event) => {
      snapshot = event.snapshot
    })
    const { output } = await stream.finalResponse()
    const call = output.find(({ type }) => type === 'function_call')
    expect(call).toMatchObject({ name: 'get_weather', status: 'completed', arguments: snapshot })
    expect(JSON.parse(snapshot)).toEqual({ city: expect.any(String) })
  })

  it('parse() returns an object of a zod schema', async () => {
    const Event = z.object({
      name: z.string(),
      day: z.enum(['monday', 'friday']),
      guests: z.array(z.string()),
      count: z.int(),
    })
    const response = await client.responses.parse({
      model,
      input: 'Alice and Bob meet on Friday.',
      text: { format: zodTextFormat(Event, 'event') },
      ...simulate({}),
    })
    expect(Event.parse(response.output_parsed)).toBeDefined()
  })

  it('makes a tool’s round trip, with the earlier items sent back', async () => {
    const carried = { model, tools: [WEATHER], include: ['reasoning.encrypted_content' as const] }
    const first = await client.responses.create({ ...carried, input, ...simulate({}) })
    const call = first.output.find((item) => item.type === 'function_call')
    if (call === undefined) throw new Error('the answer called no tool')
    expect(JSON.parse(call.arguments)).toEqual({ city: expect.any(String) })
    const second = await client.responses.create({
      ...carried,
      input: [
        { role: 'user', content: input },
        // The SDK's type of an output item is wider than its type of an input item.
        ...(first.output as OpenAI.Responses.ResponseInputItem[]),
        { type: 'function_call_output', call_id: call.call_id, output: '21 degrees' },
      ],
      ...simulate({}),
    })
    expect(second.output_text).toContain('21 degrees')
  })

  it('stops at max_output_tokens with the status incomplete', async () => {
    const limited = { model, input, reasoning: { effort: 'low' as const }, ...simulate({}) }
    const cut = await client.responses.create({ ...limited, max_output_tokens: 80 })
    expect(cut).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { output_tokens: 80 },
    })
    expect(cut.output_text.length).toBeGreaterThan(0)
    const stream = client.responses.stream({ ...limited, max_output_tokens: 64 })
    const thought = await stream.finalResponse()
    expect(thought.output.map(({ type }) => type)).toEqual(['reasoning'])
    expect(thought.status).toBe('incomplete')
  })

  it('can be aborted in the middle of a stream', async () => {
    const stream = await client.responses.create({ model, input, stream: true, ...simulate({ hang: 7 }) })
    let events = 0
    for await (const _event of stream) {
      events += 1
      if (events === 7) stream.controller.abort()
    }
    expect(events).toBe(7)
  })
})

describe('errors have the SDK’s classes', () => {
  it('BadRequestError with param, code and an alternative', async () => {
    const error = await client.responses
      .create({ model, input, previous_response_id: 'resp_1' })
      .catch((e: unknown) => e)
    expect(error).toBeInstanceOf(OpenAI.BadRequestError)
    expect(error).toMatchObject({
      status: 400,
      param: 'previous_response_id',
      code: 'unsupported_parameter',
      message: expect.stringContaining("send the earlier items in 'input'"),
    })
  })

  it('NotFoundError for every operation on a stored response', async () => {
    const id = 'resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b'
    for (const call of [
      () => client.responses.retrieve(id),
      () => client.responses.delete(id),
      () => client.responses.cancel(id),
      () => client.responses.inputItems.list(id),
    ]) {
      const error = await call().then(
        () => null,
        (e: unknown) => e,
      )
      expect(error).toBeInstanceOf(OpenAI.NotFoundError)
      expect(error).toMatchObject({ code: 'response_not_found' })
    }
  })

  it('RateLimitError when the upstream is out of capacity', async () => {
    const script = { error: { shape: 'cloudflare_errors', status: 429, code: 3040 } }
    await expect(client.responses.create({ model, input, ...simulate(script) })).rejects.toBeInstanceOf(
      OpenAI.RateLimitError,
    )
  })

  it('APIError when a stream is cut off, in `for await` and in stream()', async () => {
    const broken = simulate({ cut: 8 })
    const iterate = async (): Promise<void> => {
      const stream = await client.responses.create({ model, input, stream: true, ...broken })
      for await (const _event of stream);
    }
    const collect = () => client.responses.stream({ model, input, ...broken }).finalResponse()
    for (const read of [iterate, collect]) {
      const error = await read().then(
        () => null,
        (e: unknown) => e,
      )
      expect(error).toBeInstanceOf(OpenAI.APIError)
      expect(error).toMatchObject({ code: 'upstream_error', type: 'server_error' })
    }
  })
})
