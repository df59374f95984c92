/** Both APIs of the official SDK work against models that take only one format. */
import OpenAI from 'openai'
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type OfflineGateway, startOfflineGateway } from '../support/node/offline-gateway.ts'

/** The README prints this key. */
const apiKey = 'sk-gw-LocalOffline-ForThisMachineOnlyNotSecret0xan2N'
/** The catalog has no figures of the model that takes only chat. */
const CHAT_ONLY = {
  slug: 'openai/gpt-5.1-chat',
  usdPerMillionTokens: { input: 1, output: 4 },
}
const MODELS = JSON.stringify({
  'chat-only': CHAT_ONLY,
  'responses-only': 'openai/gpt-5.6-luna',
  'both-formats': 'openai/gpt-6-luna',
  retired: { slug: 'openai/o4-mini', fallback: ['openai/gpt-5.6-luna'] },
})

let gateway: OfflineGateway
let client: OpenAI
beforeAll(async () => {
  gateway = await startOfflineGateway({ extraArguments: ['--var', `MODELS:${MODELS}`] })
  client = new OpenAI({ apiKey, baseURL: `${gateway.url}/v1`, maxRetries: 0 })
})
afterAll(() => gateway.stop())

/** Adds the simulator's script, which is absent from the SDK's types. */
const AT_ONCE: object = { simulate: { thinkMs: 0, chunkDelayMs: 0 } }
const QUESTION = 'Explain the concept of recursion with a simple example.'
const messages = [{ role: 'user' as const, content: QUESTION }]
const Weather = z.object({ city: z.string(), degrees: z.number() })
const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
}

describe.each(['chat-only', 'responses-only', 'both-formats'])('the model %s', (model) => {
  it('answers chat.completions.create()', async () => {
    const completion = await client.chat.completions.create({ model, messages, ...AT_ONCE })
    expect(completion.choices[0]?.message.content).toMatch(/base case/)
    expect(completion.usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0)
    expect(completion._request_id).toMatch(/^req_[0-9A-Za-z]{32}$/)
  })

  it('is collected by chat.completions.stream(), with the usage', async () => {
    const stream = client.chat.completions.stream({
      model,
      messages,
      stream_options: { include_usage: true },
      ...AT_ONCE,
    })
    const deltas: string[] = []
    stream.on('content', (delta) => deltas.push(delta))
    const completion = await stream.finalChatCompletion()
    expect(completion.choices[0]?.message.content).toBe(deltas.join(''))
    expect(completion.choices[0]?.finish_reason).toBe('stop')
    expect((await stream.totalUsage()).total_tokens).toBeGreaterThan(0)
  })

  it('fills a schema for chat.completions.parse()', async () => {
    const completion = await client.chat.completions.parse({
      model,
      messages,
      response_format: zodResponseFormat(Weather, 'weather'),
      ...AT_ONCE,
    })
    const parsed: unknown = completion.choices[0]?.message.parsed
    expect(Weather.safeParse(parsed).success).toBe(true)
  })

  it('makes a tool’s round trip in chat completions, streamed too', async () => {
    const tools: OpenAI.ChatCompletionTool[] = [
      { type: 'function', function: { name: 'get_weather', parameters } },
    ]
    const first = await client.chat.completions.create({ model, messages, tools, ...AT_ONCE })
    const streamed = await client.chat.completions
      .stream({ model, messages, tools, ...AT_ONCE })
      .finalChatCompletion()
    for (const completion of [first, streamed]) {
      const message = completion.choices[0]?.message
      const call = message?.tool_calls?.[0]
      if (message === undefined || call?.type !== 'function') throw new Error('the answer called no tool')
      expect(completion.choices[0]?.finish_reason).toBe('tool_calls')
      expect(JSON.parse(call.function.arguments)).toEqual({ city: expect.any(String) })
      const result = { role: 'tool' as const, tool_call_id: call.id, content: '21 degrees' }
      const conversation = [...messages, message, result]
      const second = await client.chat.completions.create({
        model,
        tools,
        messages: conversation,
        ...AT_ONCE,
      })
      expect(second.choices[0]?.message.content).toContain('21 degrees')
    }
  })

  it('answers responses.create()', async () => {
    const response = await client.responses.create({
      model,
      input: QUESTION,
      instructions: 'Be kind.',
      ...AT_ONCE,
    })
    expect(response.output_text).toMatch(/base case/)
    expect(response).toMatchObject({ object: 'response', status: 'completed', instructions: 'Be kind.' })
    expect(response.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThan(0)
  })

  it('is collected by responses.stream(), numbered from response.created to response.completed', async () => {
    const stream = client.responses.stream({ model, input: QUESTION, ...AT_ONCE })
    const events: { type: string; sequence_number: number }[] = []
    for await (const event of stream) events.push(event)
    expect(events.map((event) => event.sequence_number)).toEqual([...events.keys()])
    expect([events[0]?.type, events.at(-1)?.type]).toEqual(['response.created', 'response.completed'])
    expect((await stream.finalResponse()).output_text).toMatch(/base case/)
  })

  it('fills a schema for responses.parse()', async () => {
    const response = await client.responses.parse({
      model,
      input: QUESTION,
      text: { format: zodTextFormat(Weather, 'weather') },
      ...AT_ONCE,
    })
    expect(Weather.safeParse(response.output_parsed).success).toBe(true)
  })

  it('makes a tool’s round trip in Responses', async () => {
    const tools = [{ type: 'function' as const, name: 'get_weather', strict: true, parameters }]
    const first = await client.responses.create({ model, input: QUESTION, tools, ...AT_ONCE })
    const call = first.output.find((item) => item.type === 'function_call')
    if (call === undefined) throw new Error('the answer called no tool')
    const result = { type: 'function_call_output' as const, call_id: call.call_id, output: '21 degrees' }
    const input = [{ role: 'user' as const, content: QUESTION }, call, result]
    const second = await client.responses.create({ model, tools, input, ...AT_ONCE })
    expect(second.output_text).toContain('21 degrees')
  })
})

it('a retired model with a fallback is answered by that, and the caller is told', async () => {
  for (const stream of [false, true]) {
    const asked = { model: 'retired', messages, ...AT_ONCE }
    const { data, response } = stream
      ? await client.chat.completions.create({ ...asked, stream: true }).withResponse()
      : await client.chat.completions.create(asked).withResponse()
    expect(response.headers.get('x-gateway-model-requested')).toBe('retired')
    expect(response.headers.get('x-gateway-fallback')).toBe('1;reason=model_not_found')
    if ('choices' in data) expect(data.model).toBe('gpt-5.6-luna')
    else for await (const chunk of data) expect(chunk.model).toBe('gpt-5.6-luna')
  }
})
