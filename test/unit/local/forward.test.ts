/** Calls that go to the server in LOCAL_UPSTREAM_URL. */
import { createExecutionContext } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { Simulator, type LocalEnv } from '../../../src/local/simulator.ts'

const SLUG = 'openai/o3-mini'
const RAW = { returnRawResponse: true, gateway: { id: 'default' } } as const
const AT_ONCE = { firstByteDelayMs: 0, thinkMs: 0, chunkDelayMs: 0 }
const HELLO = { messages: [{ role: 'user', content: 'Hello there!' }] }

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
    'is named in a 502 if the server cannot be reached: %s',
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
