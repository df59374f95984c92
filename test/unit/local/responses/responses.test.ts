/** The simulator's Responses API: the response object and the events of its stream. */
import { describe, expect, it } from 'vitest'
import { apiFormatOf } from '../../../../src/local/api-format.ts'
import { replyTo } from '../../../../src/local/model/reply.ts'
import { parseResponsesRequest } from '../../../../src/local/responses/parse-request.ts'
import { seededRandom } from '../../../../src/local/model/seeded-random.ts'
import stream from '../../../support/fixtures/response-stream.sse?raw'
import documented from '../../../support/fixtures/response.json'

type Request = Record<string, unknown>

interface Event {
  type: string
  sequence_number: number
  delta?: string
  response?: object
  item?: object
}

const HELLO = { input: 'Hello there!' }
const WEATHER = {
  type: 'function',
  name: 'get_weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}

function source(request: Request, usage?: Request | null) {
  const parsed = parseResponsesRequest(request)
  if ('refused' in parsed) throw new Error(parsed.message)
  const random = seededRandom('test')
  const format = apiFormatOf(request)
  const envelope = format.envelope('openai/o3-mini', random)
  return { format, source: { envelope, reply: replyTo(parsed, random), request, usage, random } }
}

function responseTo(request: Request, usage?: Request | null): Request {
  const { format, source: from } = source({ ...HELLO, ...request }, usage)
  return format.json(from) as Request
}

function eventsOf(request: Request, usage?: Request | null): Event[] {
  const { format, source: from } = source({ ...HELLO, ...request }, usage)
  return Array.from(format.events(from), ({ text }) => {
    const [, name, data] = /^event: (\S+)\ndata: (\{.*\})\n\n$/.exec(text) ?? []
    const event = JSON.parse(data ?? '') as Event
    expect(event.type).toBe(name)
    return event
  })
}

describe('a response', () => {
  it('has the documented fields, and repeats fields of the request', () => {
    const response = responseTo({ instructions: 'Be brief.', tools: [], metadata: { a: 'b' }, store: false })
    const { completed_at: _since2026, ...fields } = documented
    expect(Object.keys(response).toSorted()).toEqual(Object.keys(fields).toSorted())
    expect(response).toMatchObject({
      id: expect.stringMatching(/^resp_[\da-f]{48}$/),
      object: 'response',
      status: 'completed',
      model: 'o3-mini-2025-01-31',
      instructions: 'Be brief.',
      metadata: { a: 'b' },
      store: false,
      output: [
        { type: 'reasoning', id: expect.stringMatching(/^rs_/), summary: [] },
        {
          type: 'message',
          id: expect.stringMatching(/^msg_/),
          role: 'assistant',
          content: [{ type: 'output_text', annotations: [], text: expect.stringContaining('Hello there!') }],
        },
      ],
    })
  })

  it('reports the tokens in its own fields, which a script overrides', () => {
    expect(responseTo({}, { output_tokens: 7 })['usage']).toEqual({
      input_tokens: 6,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 7,
      output_tokens_details: { reasoning_tokens: 256 },
      total_tokens: expect.any(Number),
    })
    expect(responseTo({}, null)['usage']).toBeNull()
    expect(
      apiFormatOf(HELLO).loggedTokens({ prompt: 5, completion: 6, reasoning: 0 }, { input_tokens: 9 }),
    ).toEqual({
      tokens_in: 9,
      tokens_out: 6,
    })
  })

  it('has encrypted reasoning if the request includes it', () => {
    const { output } = responseTo({ include: ['reasoning.encrypted_content'] })
    expect(output).toMatchObject([{ encrypted_content: expect.any(String) }, {}])
  })

  it('fills a schema', () => {
    const format = { type: 'json_schema', name: 'n', schema: WEATHER.parameters }
    const { output } = responseTo({ text: { format } })
    const [, message] = output as { content: { text: string }[] }[]
    expect(JSON.parse(message?.content[0]?.text ?? '')).toEqual({ city: 'city' })
  })

  it('is incomplete if the tokens run out, and has no message if reasoning took them all', () => {
    const incomplete = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }
    const low = { reasoning: { effort: 'low' } }
    const cut = responseTo({ ...low, max_output_tokens: 70 })
    expect(cut).toMatchObject({ ...incomplete, output: [{}, { status: 'incomplete' }] })
    expect(responseTo({ ...low, max_output_tokens: 64 })).toMatchObject({ ...incomplete, output: [{}] })
  })
})

describe('a response stream', () => {
  it('has the documented events in their order, with their fields', () => {
    const events = eventsOf({ instructions: 'Be brief.' })
    const lines = stream.split('\n').filter((line) => line.startsWith('data: '))
    const expected = lines.map((line) => JSON.parse(line.slice('data: '.length)) as Event)
    const shapes = (all: Event[]) =>
      all
        .map((event) => `${event.type}: ${Object.keys(event).toSorted().join()}`)
        .filter((shape, at, every) => shape !== every[at - 1])
    expect(shapes(events)).toEqual(shapes(expected))
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual([...events.keys()])
  })

  it('has the text and the usage of the response in its last event', () => {
    const events = eventsOf({})
    const text = events.map(({ delta }) => delta ?? '').join('')
    expect(events.at(-1)?.response).toMatchObject({
      output: [{ type: 'reasoning' }, { content: [{ text }] }],
      usage: responseTo({})['usage'],
    })
    expect(events[0]?.response).toMatchObject({ status: 'in_progress', output: [], usage: null })
  })

  it.each([
    ['function', WEATHER, 'function_call', 'response.function_call_arguments', 'arguments'],
    [
      'custom',
      { type: 'custom', name: 'shell' },
      'custom_tool_call',
      'response.custom_tool_call_input',
      'input',
    ],
  ])('calls a %s tool in pieces', (_kind, tool, type, name, field) => {
    const events = eventsOf({ tools: [tool] })
    const added = events.findLast((event) => event.type === 'response.output_item.added')
    expect(added?.item).toMatchObject({ type, status: 'in_progress', [field]: '' })
    const given = events.map(({ delta }) => delta ?? '').join('')
    expect(events.find((event) => event.type === `${name}.done`)).toMatchObject({ [field]: given })
    expect(events.at(-2)?.item).toMatchObject({ type, status: 'completed', [field]: given })
  })

  it('ends as incomplete if the tokens run out', () => {
    const events = eventsOf({ reasoning: { effort: 'low' }, max_output_tokens: 70 })
    expect(events.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', usage: { output_tokens: 70 } },
    })
  })
})
