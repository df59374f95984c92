/** The simulator as the gateway has it: over a service binding, in the place of the AI binding. */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { Simulator, type LocalEnv, type RunOptions } from '../../../src/local/simulator.ts'

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

async function cancellationOf(tag: string) {
  return vi.waitFor(
    async () => {
      const found = (await env.AI.cancellations()).find((cancellation) => cancellation.tag === tag)
      if (!found) throw new Error(`nobody left ${tag}`)
      return found
    },
    { timeout: 5_000 },
  )
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

  it('is a stream of events where one is asked for, with the usage if wanted', async () => {
    const response = await answer({}, { stream: true, stream_options: { include_usage: true } })
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const events = (await response.text()).split('\n\n')
    expect(events.at(-2)).toBe('data: [DONE]')
    expect(events.at(-3)).toContain('"choices":[],"usage":{"prompt_tokens":6,')
  })

  it('bears another model’s name if it is asked for one', async () => {
    const response: unknown = await env.AI.run(
      'openai/gpt-5-mini',
      { ...HELLO, simulate: AT_ONCE },
      { ...RAW, signal: new AbortController().signal },
    )
    expect(await (response as Response).json()).toMatchObject({ model: 'gpt-5-mini' })
  })

  it('takes its time: a think before the headers of JSON, a pause before each word of a stream', async () => {
    const startMs = Date.now()
    await answer({ thinkMs: 60 })
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(55)
    const streamStartMs = Date.now()
    await (await answer({ chunks: 10, chunkDelayMs: 10 }, { stream: true })).text()
    expect(Date.now() - streamStartMs).toBeGreaterThanOrEqual(95)
  })

  it('names the field of a request or a script that it cannot follow', async () => {
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
  it('has so many chunks, in pieces of so many bytes', async () => {
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

  it('throws, or is undefined', async () => {
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

  it('ends without its end mark', async () => {
    const text = await (await answer({ end: 3 }, { stream: true })).text()
    expect(text.split('\n\n')).toHaveLength(4)
    const whole = await (await answer({ end: 99_999 }, { stream: true })).text()
    expect(whole).toContain('"finish_reason":"stop"')
    expect(whole).not.toContain('[DONE]')
    expect(await (await answer({ end: 2 })).text()).toHaveLength(128)
  })
})

describe('a client that leaves', () => {
  // Not over the binding: a signal made in a test does not cross it, other than one made in the worker.
  const runHere = (simulate: object, request: object, signal: AbortSignal) =>
    new Simulator(createExecutionContext(), {}).run(
      SLUG,
      { ...HELLO, ...request, simulate: { ...AT_ONCE, ...simulate } },
      { ...RAW, signal },
    )

  it.each([
    ['left-hang', { hang: 'headers' }],
    ['left-delay', { firstByteDelayMs: 60_000 }],
    ['left-think', { thinkMs: 60_000 }],
  ])('is noticed before the headers: %s', async (tag, simulate) => {
    const abort = new AbortController()
    const pending = runHere({ ...simulate, tag }, {}, abort.signal)
    setTimeout(() => abort.abort(new Error('client left')), 20)
    await expect(pending).rejects.toThrow('client left')
    expect(await cancellationOf(tag)).toMatchObject({ at: 'waiting', chunksSent: 0 })
  })

  it('is noticed when it cancels the body', async () => {
    const response = await answer({ tag: 'left-body', chunks: 1_000, chunkDelayMs: 5 }, { stream: true })
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    const cancellation = await cancellationOf('left-body')
    expect(cancellation).toMatchObject({ at: 'streaming', id: expect.stringMatching(/^chatcmpl-/) })
    expect(cancellation.chunksSent).toBeGreaterThan(0)
    expect(cancellation.chunksSent).toBeLessThan(500)
  })

  it('is noticed in a hang when its signal aborts', async () => {
    const abort = new AbortController()
    const response = await runHere({ tag: 'left-stream', hang: 2 }, { stream: true }, abort.signal)
    const reader = response?.body?.getReader()
    await reader?.read()
    await reader?.read()
    await scheduler.wait(10)
    abort.abort(new Error('client left'))
    expect(await cancellationOf('left-stream')).toMatchObject({ at: 'streaming', chunksSent: 2 })
  })
})

describe('the calls', () => {
  it('are remembered as they came, without the signal', async () => {
    await answer({ tag: 'remembered' }, { unknown: [1] })
    const calls = await env.AI.calls()
    expect(calls.find(({ tag }) => tag === 'remembered')).toMatchObject({
      model: SLUG,
      inputs: { ...HELLO, unknown: [1], simulate: { ...AT_ONCE, tag: 'remembered' } },
      options: RAW,
    })
  })

  it('are at most a hundred, and fewer when they are large', async () => {
    for (let call = 0; call < 110; call++) await answer({ error: { shape: 'empty' } })
    expect(await env.AI.calls()).toHaveLength(100)
    for (let call = 0; call < 3; call++)
      await answer({ error: { shape: 'empty' } }, { padding: 'x'.repeat(4_000_000) })
    expect((await env.AI.calls()).length).toBeLessThan(3)
  })

  it('must be raw and name a gateway, as the binding wants them', async () => {
    const run = (options: RunOptions) => new Simulator(createExecutionContext(), {}).run(SLUG, HELLO, options)
    await expect(run({ gateway: { id: 'default' } })).rejects.toThrow('returnRawResponse')
    await expect(run({ returnRawResponse: true })).rejects.toThrow('gateway.id')
  })
})

describe('LOCAL_UPSTREAM_URL', () => {
  const forwarding = (vars: LocalEnv, request: object = {}) =>
    new Simulator(createExecutionContext(), vars).run(SLUG, { ...HELLO, ...request }, RAW)

  it.each([
    ['http://localhost:11434', 'http://localhost:11434/v1/chat/completions'],
    ['http://localhost:11434/', 'http://localhost:11434/v1/chat/completions'],
    ['http://localhost:8080/v1', 'http://localhost:8080/v1/chat/completions'],
    ['https://example.com/api/v1/', 'https://example.com/api/v1/chat/completions'],
  ])('sends the call to %s', async (url, expected) => {
    const fetched = vi
      .spyOn(globalThis, 'fetch')
      .mockResolvedValue(new Response('from there', { status: 418 }))
    try {
      const response = await forwarding({
        LOCAL_UPSTREAM_URL: url,
        LOCAL_UPSTREAM_KEY: 'k',
        LOCAL_UPSTREAM_MODEL: 'llama',
      })
      expect([response?.status, await response?.text()]).toEqual([418, 'from there'])
      const [target, init] = fetched.mock.lastCall ?? []
      expect(target).toBe(expected)
      expect(new Headers(init?.headers).get('authorization')).toBe('Bearer k')
      expect(await new Response(init?.body).json()).toEqual({ ...HELLO, model: 'llama' })
    } finally {
      fetched.mockRestore()
    }
  })

  it('sends a request of the Responses API to its own path', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('from there'))
    try {
      const run = new Simulator(createExecutionContext(), { LOCAL_UPSTREAM_URL: 'http://localhost:11434' })
      await run.run(SLUG, { input: 'Hello!' }, RAW)
      expect(fetched.mock.lastCall?.[0]).toBe('http://localhost:11434/v1/responses')
    } finally {
      fetched.mockRestore()
    }
  })

  it.each(['http://127.0.0.1:9', 'not a url'])(
    'is named in a 502 if nobody answers there: %s',
    async (url) => {
      const fetched = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('Network connection lost.'))
      try {
        const response = await forwarding({ LOCAL_UPSTREAM_URL: url })
        expect(response?.status).toBe(502)
        expect(await response?.json()).toMatchObject({
          error: { type: 'server_error', message: expect.stringContaining('LOCAL_UPSTREAM_URL') },
        })
      } finally {
        fetched.mockRestore()
      }
    },
  )

  it('does not get a scripted call', async () => {
    const response = await forwarding({ LOCAL_UPSTREAM_URL: 'http://127.0.0.1:9' }, { simulate: AT_ONCE })
    expect(response?.status).toBe(200)
  })
})
