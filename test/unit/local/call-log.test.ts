/** The simulator's log of calls and cancellations. */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { Simulator, type RunOptions } from '../../../src/local/simulator.ts'

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
      if (!found) throw new Error(`no cancellation of ${tag}`)
      return found
    },
    { timeout: 5_000 },
  )
}

describe('a cancellation', () => {
  // A signal that a test makes does not cross the binding, so the simulator is called directly.
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
  ])('by the signal is noticed before the headers: %s', async (tag, simulate) => {
    const abort = new AbortController()
    const pending = runHere({ ...simulate, tag }, {}, abort.signal)
    setTimeout(() => abort.abort(new Error('client left')), 20)
    await expect(pending).rejects.toThrow('client left')
    expect(await cancellationOf(tag)).toMatchObject({ at: 'waiting', chunksSent: 0 })
  })

  it('of the body is noticed', async () => {
    const response = await answer({ tag: 'left-body', chunks: 1_000, chunkDelayMs: 5 }, { stream: true })
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    const cancellation = await cancellationOf('left-body')
    expect(cancellation).toMatchObject({ at: 'streaming', id: expect.stringMatching(/^chatcmpl-/) })
    expect(cancellation.chunksSent).toBeGreaterThan(0)
    expect(cancellation.chunksSent).toBeLessThan(500)
  })

  it('by the signal is noticed in a hang', async () => {
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
  it('are kept as they came, without the signal', async () => {
    await answer({ tag: 'remembered' }, { unknown: [1] })
    const calls = await env.AI.calls()
    expect(calls.find(({ tag }) => tag === 'remembered')).toMatchObject({
      model: SLUG,
      inputs: { ...HELLO, unknown: [1], simulate: { ...AT_ONCE, tag: 'remembered' } },
      options: RAW,
    })
  })

  it('are at most a hundred, and fewer if they are large', async () => {
    for (let call = 0; call < 110; call++) await answer({ error: { shape: 'empty' } })
    expect(await env.AI.calls()).toHaveLength(100)
    for (let call = 0; call < 3; call++)
      await answer({ error: { shape: 'empty' } }, { padding: 'x'.repeat(4_000_000) })
    expect((await env.AI.calls()).length).toBeLessThan(3)
  })

  it('must be raw and name a gateway, as with the real binding', async () => {
    const run = (options: RunOptions) => new Simulator(createExecutionContext(), {}).run(SLUG, HELLO, options)
    await expect(run({ gateway: { id: 'default' } })).rejects.toThrow('returnRawResponse')
    await expect(run({ returnRawResponse: true })).rejects.toThrow('gateway.id')
  })
})
