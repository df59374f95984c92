/** The simulator over a service binding, which stands in for the AI binding. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'

const SLUG = 'openai/o3-mini'
const RAW = { returnRawResponse: true, gateway: { id: 'default' } } as const
const AT_ONCE = { firstByteDelayMs: 0, thinkMs: 0, chunkDelayMs: 0 }
const HELLO = { messages: [{ role: 'user', content: 'Hello there!' }] }

async function answer(
  simulate: object = {},
  request: object = {},
  signal = new AbortController().signal,
): Promise<Response> {
  const inputs = { ...HELLO, ...request, simulate: { ...AT_ONCE, ...simulate } }
  const response: unknown = await env.AI.run(SLUG, inputs, { ...RAW, signal })
  if (!(response instanceof Response)) throw new Error(`not a response: ${String(response)}`)
  return response
}

describe('an answer', () => {
  it('is JSON, with the headers that a gateway must hide', async () => {
    const response = await answer()
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    const hidden = [
      'set-cookie',
      'openai-organization',
      'openai-processing-ms',
      'x-ratelimit-limit-requests',
      'x-request-id',
      'cf-ray',
    ]
    expect(hidden.filter((name) => !response.headers.has(name))).toEqual([])
    expect(response.headers.get('cf-aig-cache-status')).toBe('MISS')
    expect(response.headers.get('cf-aig-log-id')).toMatch(/^[\da-f-]{36}$/)
    expect(await response.json()).toMatchObject({
      object: 'chat.completion',
      gatewayMetadata: { keySource: 'Unified' },
    })
  })

  it('is the same for the same call, byte for byte, streamed or not', async () => {
    const question = {
      messages: [{ role: 'user', content: 'Explain the concept of recursion with a simple example.' }],
    }
    for (const request of [question, { ...question, stream: true }]) {
      expect(await (await answer({}, request)).text()).toBe(await (await answer({}, request)).text())
    }
    expect(await (await answer({}, { seed: 1 })).text()).not.toBe(
      await (await answer({}, { seed: 2 })).text(),
    )
  })

  it('is a stream of events if the request asks for it, with the usage if requested', async () => {
    const response = await answer({}, { stream: true, stream_options: { include_usage: true } })
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const events = (await response.text()).split('\n\n')
    expect(events.at(-2)).toBe('data: [DONE]')
    expect(events.at(-3)).toContain('"choices":[],"usage":{"prompt_tokens":6,')
  })

  it('has the name of the requested model', async () => {
    const response: unknown = await env.AI.run(
      'openai/gpt-5-mini',
      { ...HELLO, simulate: AT_ONCE },
      { ...RAW, signal: new AbortController().signal },
    )
    expect(await (response as Response).json()).toMatchObject({ model: 'gpt-5-mini' })
  })

  it('waits before the headers of JSON and before each word of a stream', async () => {
    const startMs = Date.now()
    await answer({ thinkMs: 60 })
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(55)
    const streamStartMs = Date.now()
    await (await answer({ chunks: 10, chunkDelayMs: 10 }, { stream: true })).text()
    expect(Date.now() - streamStartMs).toBeGreaterThanOrEqual(95)
  })

  it('names the invalid field of a request or of a script', async () => {
    const badScript = await answer({ chunks: -1 })
    expect(badScript.status).toBe(400)
    expect(await badScript.json()).toMatchObject({
      error: { type: 'invalid_request_error', param: 'simulate.chunks', code: null },
    })
    const badRequest = await answer({}, { messages: 'hi' })
    expect(await badRequest.json()).toMatchObject({ error: { param: 'messages' } })
  })
})

describe('a scripted answer', () => {
  it('has the scripted number of chunks, in pieces of the scripted size', async () => {
    const response = await answer({ chunks: 500, chunkBytes: 11 }, { stream: true })
    expect(
      (await response.text())
        .split('\n\n')
        .filter((event) => event.includes('"delta":{"content":"') && !event.includes('"role"')),
    ).toHaveLength(500)
  })

  it('has the scripted headers and usage', async () => {
    const response = await answer({
      headers: { 'x-more': '1', 'content-type': 'text/plain' },
      usage: { completion_tokens: 7 },
    })
    expect(response.headers.get('x-more')).toBe('1')
    expect(response.headers.get('content-type')).toBe('text/plain')
    expect(await response.json()).toMatchObject({ usage: { prompt_tokens: 6, completion_tokens: 7 } })
    expect(await (await answer({ usage: null })).json()).not.toHaveProperty('usage')
  })

  it.each<[object, number, string | RegExp]>([
    [
      { shape: 'openai', status: 429, message: 'Slow down.' },
      429,
      '{"error":{"message":"Slow down.","type":"requests","param":null,"code":"rate_limit_exceeded"}}',
    ],
    [{ shape: 'openai' }, 400, /"type":"invalid_request_error"/],
    [{ shape: 'cloudflare_errors', code: 7003 }, 404, '{"errors":[{"code":7003,"message":"No such model"}]}'],
    [
      { shape: 'cloudflare_errors', status: 408 },
      408,
      '{"errors":[{"code":3007,"message":"Request timeout"}]}',
    ],
    [
      { shape: 'cloudflare_internal', code: 3040, message: 'Full.' },
      429,
      '{"internalCode":3040,"name":"Out of capacity","description":"Full."}',
    ],
    [{ shape: 'text', message: 'error code: 1101' }, 502, 'error code: 1101'],
    [{ shape: 'html', status: 520 }, 520, /^<!DOCTYPE html>/],
    [{ shape: 'empty', status: 503 }, 503, ''],
  ])('fails like the upstream: %j', async (error, status, body) => {
    const response = await answer({ error: { ...error, retryAfter: 7 } })
    expect(response.status).toBe(status)
    expect(response.headers.get('retry-after')).toBe('7')
    expect(await response.text()).toEqual(typeof body === 'string' ? body : expect.stringMatching(body))
  })

  it('rejects, or is undefined', async () => {
    await expect(answer({ throw: 'InferenceUpstreamError: 3040' })).rejects.toThrow(
      'InferenceUpstreamError: 3040',
    )
    await expect(answer({ undefined: true })).rejects.toThrow('not a response: undefined')
  })

  it('breaks in the middle, streamed or not', async () => {
    const response = await answer({ cut: 4 }, { stream: true })
    const received: string[] = []
    const reading = response.body
      ?.pipeThrough(new TextDecoderStream())
      .pipeTo(new WritableStream({ write: (text) => void received.push(text) }))
    await expect(reading).rejects.toThrow(/.+/)
    expect(received.join('').split('\n\n')).toHaveLength(5)
    await expect((await answer({ cut: 1 })).text()).rejects.toThrow(/.+/)
  })

  it('ends early without its end mark', async () => {
    const text = await (await answer({ end: 3 }, { stream: true })).text()
    expect(text.split('\n\n')).toHaveLength(4)
    const whole = await (await answer({ end: 99_999 }, { stream: true })).text()
    expect(whole).toContain('"finish_reason":"stop"')
    expect(whole).not.toContain('[DONE]')
    expect(await (await answer({ end: 2 })).text()).toHaveLength(128)
  })
})
