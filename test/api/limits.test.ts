/** One isolate enforces each key's limits exactly, reports them in headers, and never waits for KV. */
import { reset } from 'cloudflare:test'
import { createExecutionContext } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { app } from '../../src/app.ts'
import { duration } from '../../src/stages/limit-answer.ts'
import { linesOf, recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, AT_ONCE, complete, env, errorOf, HELLO, issueKey, send } from '../support/gateway.ts'

afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

function freeze(nowMs = 1_800_000_000_000): number {
  vi.useFakeTimers({ now: nowMs, toFake: ['Date'] })
  return nowMs
}

function limitHeaders(response: Response): Record<string, string> {
  return Object.fromEntries(
    [...response.headers].filter(([name]) => /^(x-ratelimit|retry-after|x-should)/.test(name)),
  )
}

describe('requests per minute', () => {
  it('admit exactly the limit, from concurrent and from sequential requests', async () => {
    freeze()
    const many = await issueKey({ limits: { requestsPerMinute: 7 } })
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => complete(many.secret)))).map(
      ({ status }) => status,
    )
    expect(statuses.filter((status) => status === 200).length).toBe(7)
    expect(statuses.filter((status) => status === 429).length).toBe(13)
    const one = await issueKey({ limits: { requestsPerMinute: 3 } })
    const inTurn = []
    for (let i = 0; i < 5; i++) inTurn.push((await complete(one.secret)).status)
    expect(inTurn).toEqual([200, 200, 200, 429, 429])
  })

  it('roll: each request is available again 60 seconds later', async () => {
    const start = freeze()
    const { secret } = await issueKey({ limits: { requestsPerMinute: 2 } })
    const statusAt = async (seconds: number): Promise<number> => {
      vi.setSystemTime(start + seconds * 1000)
      return (await complete(secret)).status
    }
    expect([await statusAt(0), await statusAt(40), await statusAt(59)]).toEqual([200, 200, 429])
    expect([await statusAt(61), await statusAt(62), await statusAt(101)]).toEqual([200, 429, 200])
  })

  it('refuse in OpenAI’s words, and say exactly when to retry', async () => {
    const start = freeze()
    const { secret } = await issueKey({ limits: { requestsPerMinute: 1 } })
    const admitted = await complete(secret)
    expect(limitHeaders(admitted)).toEqual({
      'x-ratelimit-limit-requests': '1',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1m0s',
    })
    vi.setSystemTime(start + 12_500)
    const refused = await complete(secret)
    expect(refused.status).toBe(429)
    expect(await errorOf(refused)).toEqual({
      message: expect.stringMatching(
        /^Rate limit reached for this key: Limit 1 requests per minute, Used 1\. Please try again in \d+(\.\d+)?s\.$/,
      ),
      type: 'requests',
      param: null,
      code: 'rate_limit_exceeded',
    })
    const waitMs = Number(refused.headers.get('retry-after-ms'))
    expect(Number(refused.headers.get('retry-after'))).toBe(Math.ceil(waitMs / 1000))
    expect(waitMs).toBeGreaterThan(0)
    vi.setSystemTime(start + 12_500 + waitMs - 1)
    expect((await complete(secret)).status).toBe(429)
    vi.setSystemTime(start + 12_500 + waitMs)
    expect((await complete(secret)).status).toBe(200)
  })

  it('count a request that the upstream fails, and appear in the headers of its error', async () => {
    const { secret } = await issueKey({ limits: { requestsPerMinute: 5 } })
    const failed = await complete(secret, { simulate: { ...AT_ONCE, throw: 'broken' } })
    expect([failed.status, failed.headers.get('x-ratelimit-remaining-requests')]).toEqual([502, '4'])
    const stream = await complete(secret, { stream: true })
    expect(stream.headers.get('x-ratelimit-remaining-requests')).toBe('3')
  })

  it('do not count an invalid body', async () => {
    const { secret } = await issueKey({ limits: { requestsPerMinute: 2 } })
    for (let i = 0; i < 5; i++) expect((await complete(secret, { temperature: 9 })).status).toBe(400)
    expect((await complete(secret)).status).toBe(200)
  })

  it('are separate per key, and absent from the headers of a key without limits', async () => {
    const small = await issueKey({ limits: { requestsPerMinute: 1 } })
    const free = await issueKey()
    await complete(small.secret)
    expect((await complete(small.secret)).status).toBe(429)
    expect(limitHeaders(await complete(free.secret))).toEqual({})
  })

  it('follow the operator’s change at once', async () => {
    const { id, secret } = await issueKey({ limits: { requestsPerMinute: 1 } })
    expect([(await complete(secret)).status, (await complete(secret)).status]).toEqual([200, 429])
    await send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, { limits: { requestsPerMinute: 2 } })
    expect([(await complete(secret)).status, (await complete(secret)).status]).toEqual([200, 429])
    await send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, { limits: { requestsPerMinute: null } })
    expect((await complete(secret)).status).toBe(200)
  })

  it('default to a var for a key without limits', async () => {
    const { secret } = await issueKey()
    const request = (): Promise<Response> =>
      Promise.resolve(
        app.request(
          '/v1/chat/completions',
          {
            method: 'POST',
            headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
            body: JSON.stringify({ ...HELLO, simulate: AT_ONCE }),
          },
          { ...env, DEFAULT_REQUESTS_PER_MINUTE: '2' },
          createExecutionContext(),
        ),
      )
    expect([(await request()).status, (await request()).status, (await request()).status]).toEqual([
      200, 200, 429,
    ])
  })
})

describe('requests per day', () => {
  it('last until midnight UTC, and tell clients not to retry before', async () => {
    const start = freeze(Date.UTC(2027, 0, 5, 22, 0, 0))
    const { secret } = await issueKey({ limits: { requestsPerDay: 2 } })
    expect([(await complete(secret)).status, (await complete(secret)).status]).toEqual([200, 200])
    const refused = await complete(secret)
    expect(refused.status).toBe(429)
    expect(limitHeaders(refused)).toEqual({
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '2h0m0s',
      'x-should-retry': 'false',
    })
    expect((await errorOf(refused)).message).toContain(
      'Limit 2 requests per day, Used 2. Please try again in 2h0m0s.',
    )
    vi.setSystemTime(start + 2 * 3_600_000)
    expect((await complete(secret)).status).toBe(200)
  })
})

describe('tokens per minute', () => {
  it('reserve an estimate, and settle to the reported usage after the answer', async () => {
    freeze()
    const { secret } = await issueKey({ limits: { tokensPerMinute: 10_000 } })
    const usage = { prompt_tokens: 1000, completion_tokens: 2000, total_tokens: 3000 }
    const first = await complete(secret, { max_completion_tokens: 300, simulate: { ...AT_ONCE, usage } })
    // "Hello!" is 2 tokens and 3 for its message; the completion is capped at 300.
    expect(first.headers.get('x-ratelimit-remaining-tokens')).toBe('9695')
    expect(first.headers.get('x-ratelimit-limit-tokens')).toBe('10000')
    const second = await complete(secret, { max_completion_tokens: 100, simulate: AT_ONCE })
    expect(second.headers.get('x-ratelimit-remaining-tokens')).toBe('6895')
  })

  it('refuse with the error type tokens', async () => {
    freeze()
    const { secret } = await issueKey({ limits: { tokensPerMinute: 500 } })
    const usage = { prompt_tokens: 300, completion_tokens: 400, total_tokens: 700 }
    expect((await complete(secret, { simulate: { ...AT_ONCE, usage } })).status).toBe(200)
    const refused = await complete(secret)
    expect(refused.status).toBe(429)
    expect(await errorOf(refused)).toMatchObject({ type: 'tokens', code: 'rate_limit_exceeded' })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('refuse a request above the whole limit with its own message and no retry-after', async () => {
    const { secret } = await issueKey({ limits: { tokensPerMinute: 100 } })
    const refused = await complete(secret, { messages: [{ role: 'user', content: 'word '.repeat(1000) }] })
    expect(refused.status).toBe(429)
    expect((await errorOf(refused)).message).toMatch(
      /^Request too large for this key: Limit 100 tokens per minute, Requested \d+\./,
    )
    expect(limitHeaders(refused)).toMatchObject({ 'x-should-retry': 'false' })
    expect(refused.headers.has('retry-after')).toBe(false)
  })
})

describe('KV', () => {
  /** Real KV cannot be made to hang or fail. This stub breaks the limiter's operations and leaves reads of keys intact. */
  function breakLimiterKv(operation: () => Promise<never>) {
    const list = vi.spyOn(env.KV, 'list').mockImplementation(operation)
    const put = vi.spyOn(env.KV, 'put').mockImplementation(operation)
    return () => {
      list.mockRestore()
      put.mockRestore()
    }
  }

  it('that never answers delays no request', async () => {
    const { secret } = await issueKey({ limits: { requestsPerMinute: 4, requestsPerDay: 100 } })
    await complete(secret)
    const restore = breakLimiterKv(() => new Promise(() => undefined))
    const statuses = []
    for (let i = 0; i < 5; i++) statuses.push((await complete(secret)).status)
    expect(statuses).toEqual([200, 200, 200, 429, 429])
    restore()
  })

  it('that fails is logged once, and the local count still applies', async () => {
    freeze()
    const log = recordLog()
    const { secret } = await issueKey({ limits: { requestsPerMinute: 4 } })
    const restore = breakLimiterKv(() => Promise.reject(new Error('KV PUT failed: 429 Too Many Requests')))
    const statuses = []
    for (let i = 0; i < 5; i++) statuses.push((await complete(secret)).status)
    expect(statuses).toEqual([200, 200, 200, 200, 429])
    await vi.waitFor(() => expect(linesOf(log, 'trouble').length).toBeGreaterThan(0))
    const logged = linesOf(log, 'trouble').map(({ what }) => what)
    expect(new Set(logged).size).toBe(logged.length)
    restore()
  })
})

describe('a duration', () => {
  it.each([
    [0, '0ms'],
    [1, '1ms'],
    [12.3, '13ms'],
    [1000, '1s'],
    [1500, '1.5s'],
    [59_999, '59.999s'],
    [60_000, '1m0s'],
    [360_000, '6m0s'],
    [7_384_000, '2h3m4s'],
  ])('of %d ms is written in OpenAI’s format: %s', (milliseconds, text) => {
    expect(duration(milliseconds)).toBe(text)
  })
})
