/** Streams translated in passing, with the official client as the judge. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chatOverResponses, responsesOverChat } from '../../../../src/upstream/translate/translation.ts'
import documentedChat from '../../../support/fixtures/chat-completion-stream.sse?raw'
import documentedResponse from '../../../support/fixtures/response-stream.sse?raw'
import { accumulateChat, accumulateResponse } from './official-client.ts'
import {
  arbitrarySaid,
  chatAnswer,
  chatStream,
  eventsOf,
  type Request,
  SHELL,
  simulated,
  translate,
  WEATHER,
  wire,
} from './sources.ts'

const WITH_USAGE = { stream: true, stream_options: { include_usage: true } }
const REQUEST = { input: 'Hello', stream: true }

const toChat = (stream: string, inputs: Request = WITH_USAGE) =>
  translate(chatOverResponses.stream(inputs), stream)
const toResponses = (stream: string, inputs: Request = REQUEST) =>
  translate(responsesOverChat.stream(inputs), stream)

const ANSWERS: [string, Request][] = [
  ['a text', {}],
  ['a call of a function', { tools: [WEATHER] }],
  ['a call of a custom tool', { tools: [SHELL] }],
  ['a text that is cut', { max_completion_tokens: 270 }],
  ['no text, since the reasoning took all tokens', { max_completion_tokens: 100 }],
]

describe('a response stream for a caller of chat completions', () => {
  it.each(ANSWERS)('becomes what the client makes of a native stream with %s', async (_name, fields) => {
    const { chat, responses } = simulated({ ...fields, ...WITH_USAGE })
    const native = await accumulateChat(chat.stream)
    const translated = await accumulateChat(toChat(responses.stream))
    expect(comparable(translated)).toEqual(comparable(native))
  })

  it.each(ANSWERS)('has the chunks of a native stream with %s, in their order', (_name, fields) => {
    const { chat, responses } = simulated({ ...fields, ...WITH_USAGE })
    const shown = (stream: string) =>
      eventsOf(stream).map(({ choices, usage, object }) => ({ choices, object, usage: usage && 'reported' }))
    expect(shown(toChat(responses.stream))).toEqual(shown(chat.stream))
    expect(toChat(responses.stream)).toMatch(/data: \[DONE\]\n\n$/)
  })

  it('reports the usage only where the caller asked for it', () => {
    const { responses } = simulated({})
    for (const inputs of [{ stream: true }, { stream: true, stream_options: { include_usage: false } }]) {
      const chunks = eventsOf(toChat(responses.stream, inputs))
      expect(chunks.every((chunk) => !('usage' in chunk))).toBe(true)
      expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }] })
    }
    const chunks = eventsOf(toChat(responses.stream))
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: expect.any(Number),
        completion_tokens_details: { reasoning_tokens: expect.any(Number) },
      },
    })
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true)
  })

  it('keeps the padding unless the caller declined it', () => {
    expect(toChat(documentedResponse)).toContain('"obfuscation":"q7Z"')
    const declined = { stream_options: { include_obfuscation: false } }
    expect(toChat(documentedResponse, declined)).not.toContain('obfuscation')
  })

  it('has one id, the time and the model of the response', () => {
    const chunks = eventsOf(toChat(documentedResponse))
    for (const chunk of chunks) {
      expect(chunk).toMatchObject({
        id: 'chatcmpl-68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b',
        object: 'chat.completion.chunk',
        created: 1777319907,
        model: 'o3-mini-2025-01-31',
      })
    }
  })

  it('ends with an error and without [DONE] where the response fails', async () => {
    const error = { code: 'rate_limit_exceeded', message: 'Slow down.' }
    const failed = `event: response.failed\ndata: ${JSON.stringify({ type: 'response.failed', response: { error } })}\n\n`
    const translated = toChat(`${created()}${failed}data: {"type":"response.completed","response":{}}\n\n`)
    expect(translated).toBe(
      `data: ${JSON.stringify({ error: { message: 'Slow down.', type: 'requests', param: null, code: 'rate_limit_exceeded' } })}\n\n`,
    )
    await expect(accumulateChat(translated)).rejects.toThrow('Slow down.')
  })

  it.each([
    ['nested', { type: 'error', error: { type: 'server_error', message: 'Oh.', code: 'x', param: null } }],
    ['flat', { type: 'error', message: 'Oh.', code: 'x', param: null, sequence_number: 3 }],
  ])('ends with the error of a %s error event', (shape, event) => {
    const [error] = eventsOf(toChat(`${created()}event: error\ndata: ${JSON.stringify(event)}\n\n`))
    const type = shape === 'flat' ? 'invalid_request_error' : 'server_error'
    expect(error).toEqual({ error: { message: 'Oh.', type, param: null, code: 'x' } })
  })
})

describe('a chat stream for a caller of Responses', () => {
  it.each(ANSWERS)('becomes what the client makes of a native stream with %s', async (_name, fields) => {
    const request = { instructions: 'Be brief.', metadata: { a: 'b' }, temperature: 0.5 }
    const { chat, responses } = simulated({ ...fields, ...WITH_USAGE }, request)
    const native = await accumulateResponse(responses.stream)
    const translated = await accumulateResponse(toResponses(chat.stream, request))
    expect(said(translated)).toEqual(said(native))
    expect(Object.keys(translated).toSorted()).toEqual(Object.keys(native).toSorted())
    expect(translated).toMatchObject({ instructions: 'Be brief.', metadata: { a: 'b' }, temperature: 0.5 })
  })

  it.each(ANSWERS)(
    'has the events of a native stream with %s, in their order and with their fields',
    (_name, fields) => {
      const { chat, responses } = simulated({ ...fields, ...WITH_USAGE })
      const shapes = (stream: string) =>
        eventsOf(stream)
          // A chat does not show the reasoning.
          .filter((event) => (event['item'] as Request | undefined)?.['type'] !== 'reasoning')
          .map((event) => [event['type'], Object.keys(event).toSorted().join()])
      expect(shapes(toResponses(chat.stream))).toEqual(shapes(responses.stream))
    },
  )

  it('numbers its events, and names each as its data does', () => {
    const stream = toResponses(chatStream(SAID))
    const events = eventsOf(stream)
    expect(events.map((event) => event['sequence_number'])).toEqual([...events.keys()])
    expect([...stream.matchAll(/^event: (.*)$/gm)].map(([, name]) => name)).toEqual(
      events.map(({ type }) => type),
    )
  })

  it('reads calls that take turns', async () => {
    const stream = [
      chunk({
        tool_calls: [call(0, { id: 'call_a', type: 'function', function: { name: 'f', arguments: '{' } })],
      }),
      chunk({
        tool_calls: [call(1, { id: 'call_b', type: 'function', function: { name: 'g', arguments: '[' } })],
      }),
      chunk({
        tool_calls: [call(0, { function: { arguments: '}' } }), call(1, { function: { arguments: ']' } })],
      }),
      chunk({}, 'tool_calls'),
      'data: [DONE]\n\n',
    ].join('')
    const { output } = await accumulateResponse(toResponses(stream))
    expect(output).toMatchObject([
      { type: 'function_call', status: 'completed', name: 'f', call_id: 'call_a', arguments: '{}' },
      { type: 'function_call', status: 'completed', name: 'g', call_id: 'call_b', arguments: '[]' },
    ])
  })

  it('has another message for a text behind a call', async () => {
    const stream = [
      chunk({ role: 'assistant', content: 'Let me see.' }),
      chunk({
        tool_calls: [call(0, { id: 'call_a', type: 'function', function: { name: 'f', arguments: '{}' } })],
      }),
      chunk({ content: 'There.' }),
      chunk({}, 'tool_calls'),
      'data: [DONE]\n\n',
    ].join('')
    const { output } = await accumulateResponse(toResponses(stream))
    expect(output).toMatchObject([
      { type: 'message', content: [{ text: 'Let me see.' }] },
      { type: 'function_call' },
      { type: 'message', content: [{ text: 'There.' }] },
    ])
  })

  it('ends with an error event where a chunk has an error', async () => {
    const error = { message: 'Oh.', type: 'server_error', param: null, code: 'overloaded' }
    const translated = toResponses(
      `${chunk({ content: 'Hi' })}data: ${JSON.stringify({ error })}\n\ndata: [DONE]\n\n`,
    )
    const last = eventsOf(translated).at(-1)
    expect(last).toEqual({ ...error, type: 'error', sequence_number: 5, error })
    await expect(accumulateResponse(translated)).rejects.toThrow('Oh.')
  })

  it('names the parameter of an error as the caller does', () => {
    const error = {
      message: "Invalid 'messages'.",
      type: 'invalid_request_error',
      param: 'messages',
      code: 'x',
    }
    const request = responsesOverChat.request({ input: 'Hi', stream: true }, null)
    const toCaller = request.translated ? request.toCaller : undefined
    const stream = `data: ${JSON.stringify({ error })}\n\n`
    const translated = translate(responsesOverChat.stream(REQUEST, toCaller), stream)
    expect(eventsOf(translated)).toMatchObject([{ param: 'input', message: "Invalid 'input'." }])
  })

  it('has no last event where the upstream stops before its own', () => {
    const stream = chatStream(SAID)
    const events = eventsOf(toResponses(stream.slice(0, stream.indexOf('data: [DONE]'))))
    expect(events.map(({ type }) => type)).not.toContain('response.completed')
  })

  it('reads an end without the empty line behind it', () => {
    const events = eventsOf(toResponses(chatStream(SAID).trimEnd()))
    expect(events.at(-1)).toMatchObject({ type: 'response.completed' })
  })
})

const NAMES = { logprobs: [{ token: 'Hi', logprob: -0.1, bytes: [72, 105], top_logprobs: [] }] }

it('log probabilities go both ways', async () => {
  const stream = [
    chunk({ content: 'Hi' }).replace(
      '"delta"',
      `"logprobs":{"content":${JSON.stringify(NAMES.logprobs)},"refusal":null},"delta"`,
    ),
    chunk({}, 'stop'),
    'data: [DONE]\n\n',
  ].join('')
  const response = await accumulateResponse(toResponses(stream))
  expect(response['output']).toMatchObject([{ content: [{ text: 'Hi', ...NAMES }] }])
  const chat = await accumulateChat(toChat(toResponses(stream)))
  expect(chat['choices']).toMatchObject([{ logprobs: { content: NAMES.logprobs } }])
})

describe('any answer', () => {
  it('comes back from Responses as the client saw it in chat completions', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySaid, async (answer) => {
        const stream = chatStream(answer)
        const back = await accumulateChat(toChat(toResponses(stream)))
        expect(comparable(back)).toEqual(comparable(await accumulateChat(stream)))
      }),
      { numRuns: 150 },
    )
  })

  it('ends its stream with the response that a whole answer becomes, which the client accumulates', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySaid, async (answer) => {
        const whole = responsesOverChat.answer(chatAnswer(answer), REQUEST)
        const translated = toResponses(chatStream(answer))
        const accumulated = await accumulateResponse(translated)
        const response = whole.translated ? wire(whole.answer) : null
        expect(eventsOf(translated).at(-1)?.['response']).toEqual(response)
        expect(accumulated).toMatchObject(response ?? {})
      }),
      { numRuns: 150 },
    )
  })

  it('gives the same bytes however its stream is cut', () => {
    fc.assert(
      fc.property(
        arbitrarySaid,
        fc.integer({ min: 1, max: 300 }),
        fc.boolean(),
        (answer, chunkBytes, isCrlf) => {
          const chat = chatStream(answer)
          const response = toResponses(chat)
          const cut = (stream: string) => (isCrlf ? stream.replaceAll('\n', '\r\n') : stream)
          expect(translate(responsesOverChat.stream(REQUEST), cut(chat), chunkBytes)).toBe(response)
          expect(translate(chatOverResponses.stream(WITH_USAGE), cut(response), chunkBytes)).toBe(
            toChat(response),
          )
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe.each([
  ['chat', documentedChat, toResponses, () => responsesOverChat.stream(REQUEST)],
  ['response', documentedResponse, toChat, () => chatOverResponses.stream(WITH_USAGE)],
])('a documented %s stream', (_name, stream, toOther, newTranslator) => {
  it('gives the same bytes when each byte is a chunk', () => {
    expect(translate(newTranslator(), stream, 1)).toBe(toOther(stream))
    expect(translate(newTranslator(), stream.replaceAll('\n', '\r\n'), 1)).toBe(toOther(stream))
  })

  it('passes comments on as they come', () => {
    const commented = stream.replaceAll('\n\n', '\n\n: keep-alive\n\n')
    const translated = toOther(`: keep-alive\n\n${commented}`)
    expect(translated.startsWith(': keep-alive\n\n')).toBe(true)
    expect(translated.replaceAll(': keep-alive\n\n', '')).toBe(toOther(stream))
    const translator = newTranslator()
    expect(text(translator.pass(new TextEncoder().encode(': ping\r\n')))).toBe(': ping\n\n')
  })

  it('sends an event as soon as the upstream’s is whole', () => {
    const translator = newTranslator()
    const events = stream.split(/(?<=\n\n)/)
    const expected = toOther(stream)
    let sent = ''
    for (const event of events) {
      const before = text(translator.pass(new TextEncoder().encode(event.slice(0, -1))))
      expect(before).toBe('')
      sent += text(translator.pass(new TextEncoder().encode(event.slice(-1))))
      expect(expected.startsWith(sent)).toBe(true)
    }
    expect(sent).toBe(expected)
  })

  it('fails at an event that is no JSON, and at one that is too long to keep', () => {
    expect(toOther('data: {oops\n\n')).toMatch(/^(event: error\n)?data: .*"server_error"/)
    const translator = newTranslator()
    const long = new TextEncoder().encode(`data: ${'x'.repeat(1024 * 1024)}`)
    const sent = Array.from({ length: 6 }, () => text(translator.pass(long))).join('')
    expect(eventsOf(sent)).toHaveLength(1)
    expect(sent).toContain('"server_error"')
  })
})

it('an answer too long to be repeated in the last event fails', () => {
  const translator = responsesOverChat.stream(REQUEST)
  const piece = new TextEncoder().encode(chunk({ content: 'x'.repeat(1024 * 1024) }))
  const sent = Array.from({ length: 6 }, () => text(translator.pass(piece))).join('')
  expect(eventsOf(sent).at(-1)).toMatchObject({ type: 'error', error: { type: 'server_error' } })
})

const SAID = {
  texts: ['Hi', ' there'],
  refusals: [],
  calls: [{ kind: 'function' as const, name: 'f', pieces: ['{', '}'] }],
  finish: 'stop' as const,
  usage: { prompt: 1, completion: 2, cached: 0, written: 0, reasoning: 0 },
}

function chunk(delta: object, finishReason: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finishReason }]
  return `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`
}

function call(index: number, fields: object): object {
  return { index, ...fields }
}

function created(): string {
  return `event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1","created_at":1,"model":"m"}}\n\n`
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** A completion without what the formats cannot carry: its fingerprint, and counts of audio. */
function comparable({ id, system_fingerprint: _print, usage, ...completion }: Request): Request {
  const { prompt_tokens_details: inputs, completion_tokens_details: outputs, ...counts } = usage as Request
  const named = (details: unknown, name: string) => (details as Request)[name]
  return {
    ...completion,
    isChatId: /^chatcmpl-./.test(String(id)),
    usage: {
      ...counts,
      cached: named(inputs, 'cached_tokens'),
      written: named(inputs, 'cache_write_tokens'),
      reasoning: named(outputs, 'reasoning_tokens'),
    },
  }
}

/** What a response says, without ids and reasoning. */
function said({ output, status, usage, incomplete_details, output_text, model, created_at }: Request) {
  const items = (output as Request[]).filter(({ type }) => type !== 'reasoning')
  return {
    status,
    usage,
    incomplete_details,
    output_text,
    model,
    created_at,
    output: items.map(({ id: _id, ...item }) => item),
  }
}
