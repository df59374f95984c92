/** `GET /admin/health` tells the operator what works, and answers whatever does not. */
import { reset } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { HEALTH_TIMEOUT_MS } from '../../src/admin/health.ts'
import { ADMIN_TOKEN, AT_ONCE, complete, env, HELLO, issueKey, send } from '../support/gateway.ts'
import { isolate, type Send } from '../support/isolate.ts'

afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

interface Part {
  state: string
  ms?: number
  reason?: string
  action?: string
  lastAnswerAt?: string | null
  lastFailureAt?: string | null
}
interface Health {
  state: string
  at: string
  parts: Record<'kv' | 'accounts' | 'directory' | 'upstream', Part>
}

async function health(from: Send = send): Promise<Health> {
  const response = await from('GET', '/admin/health', ADMIN_TOKEN)
  expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
  return response.json()
}

const WELL = { state: 'ok', ms: expect.any(Number) }

function broken(): never {
  throw new Error('internal error')
}

describe('health', () => {
  it('is for the operator alone', async () => {
    expect((await send('GET', '/admin/health', 'none')).status).toBe(401)
  })

  it('has the time of each part, and knows nothing of the model before the first call', async () => {
    const calls = (await env.AI.calls()).length
    expect(await health(isolate())).toEqual({
      state: 'ok',
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      parts: {
        kv: WELL,
        accounts: WELL,
        directory: WELL,
        upstream: { state: 'unknown', lastAnswerAt: null, lastFailureAt: null },
      },
    })
    expect(await env.AI.calls()).toHaveLength(calls)
  })

  it('creates no key, and leaves nothing in KV', async () => {
    await health()
    expect((await send('GET', '/admin/keys/health', ADMIN_TOKEN)).status).toBe(404)
    expect((await env.KV.list({ prefix: 'health' })).keys).toEqual([])
  })

  it.each([
    ['kv', () => isolate(() => Promise.reject(new Error('internal error')))],
    [
      'accounts',
      () => {
        vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation(broken)
        return isolate()
      },
    ],
    [
      'directory',
      () => {
        vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation(broken)
        return isolate()
      },
    ],
  ] as const)('names %s as failed, why, and what to do, and the others as well', async (part, breakIt) => {
    const { state, parts } = await health(breakIt())
    expect(state).toBe('degraded')
    const { [part]: failed, upstream: _upstream, ...others } = parts
    expect(failed).toEqual({
      ...WELL,
      state: 'failed',
      reason: 'Error: internal error',
      action: expect.stringMatching(/\.$/),
    })
    expect(Object.values({ ...others, [part]: WELL })).toEqual([WELL, WELL, WELL])
  })

  it('answers while everything hangs, after one time-out', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    const never = (): Promise<never> => new Promise(() => undefined)
    const stub = { read: never, usage: never }
    vi.spyOn(env.ACCOUNTS, 'getByName').mockReturnValue(stub as never)
    vi.spyOn(env.DIRECTORY, 'getByName').mockReturnValue(stub as never)
    const asked = health(isolate(never))
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(3))
    await vi.advanceTimersByTimeAsync(HEALTH_TIMEOUT_MS)
    const { state, parts } = await asked
    const failed = {
      state: 'failed',
      ms: HEALTH_TIMEOUT_MS,
      reason: `Error: no answer within ${HEALTH_TIMEOUT_MS} ms`,
    }
    expect(state).toBe('degraded')
    expect(parts).toMatchObject({ kv: failed, accounts: failed, directory: failed })
  })
})

describe('the health of the upstream', () => {
  const FAILURE = { shape: 'openai', status: 402, message: 'no credit' }

  async function call(from: Send, secret: string, overrides: Record<string, unknown>): Promise<void> {
    await from('POST', '/v1/chat/completions', secret, { ...HELLO, simulate: AT_ONCE, ...overrides })
  }

  it.each([false, true])('is what the last call of this isolate has seen (stream: %s)', async (stream) => {
    const { secret } = await issueKey()
    const here = isolate()
    vi.useFakeTimers({ now: Date.UTC(2027, 0, 5), toFake: ['Date'], shouldAdvanceTime: true })
    await call(here, secret, { stream })
    const well = (await health(here)).parts.upstream
    expect(well).toEqual({ state: 'ok', lastAnswerAt: expect.any(String), lastFailureAt: null })
    vi.setSystemTime(Date.UTC(2027, 0, 6))
    await call(here, secret, { stream, simulate: { ...AT_ONCE, error: FAILURE } })
    const { state, parts } = await health(here)
    expect([state, parts.upstream]).toEqual([
      'degraded',
      {
        state: 'failed',
        lastAnswerAt: well.lastAnswerAt,
        lastFailureAt: expect.stringMatching(/^2027-01-06/),
        reason: 'upstream_no_credit, status 402',
        action: expect.stringContaining('add credit'),
      },
    ])
    expect((await health(isolate())).parts.upstream.state).toBe('unknown')
    vi.setSystemTime(Date.UTC(2027, 0, 7))
    await call(here, secret, { stream })
    expect((await health(here)).parts.upstream).toMatchObject({
      state: 'ok',
      lastFailureAt: expect.stringMatching(/^2027-01-06/),
    })
  })

  it('is well where the model refuses a request, and not asked where the gateway refuses it', async () => {
    const { secret } = await issueKey({ limits: { requestsPerMinute: 1 } })
    const here = isolate()
    const error = { shape: 'openai', status: 400 }
    await call(here, secret, { simulate: { ...AT_ONCE, error } })
    const { upstream } = (await health(here)).parts
    expect(upstream).toMatchObject({ state: 'ok', lastFailureAt: null })
    await call(here, secret, {})
    expect((await health(here)).parts.upstream).toEqual(upstream)
  })

  it('fails with a stream that breaks', async () => {
    const { secret } = await issueKey()
    const here = isolate()
    await call(here, secret, { stream: true, simulate: { ...AT_ONCE, cut: 2 } })
    expect((await health(here)).parts.upstream).toMatchObject({
      state: 'failed',
      reason: 'upstream_broken',
      action: expect.stringContaining('log'),
    })
    await complete(secret)
    expect((await health()).parts.upstream.state).toBe('ok')
  })
})
