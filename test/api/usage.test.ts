/** One isolate counts usage, shows it to the holder and the operator, and refuses a key with a spent budget. */
import { createScheduledController, reset } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import gateway from '../../src/index.ts'
import { ADMIN_TOKEN, AT_ONCE, complete, env, errorOf, issueKey, send } from '../support/gateway.ts'

afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

const DAY_MS = 86_400_000
const USAGE = {
  prompt_tokens: 1000,
  completion_tokens: 500,
  total_tokens: 1500,
  prompt_tokens_details: { cached_tokens: 400 },
  completion_tokens_details: { reasoning_tokens: 300 },
}
/** 600 × 1.10 + 400 × 0.55 + 500 × 4.40 dollars a million. */
const COST_USD = 0.00308
const ONE = {
  requests: 1,
  failures: 0,
  promptTokens: 1000,
  cachedTokens: 400,
  completionTokens: 500,
  reasoningTokens: 300,
  unmetered: 0,
  costUsd: COST_USD,
}
const NONE = Object.fromEntries(Object.keys(ONE).map((name) => [name, 0]))
const TWO = Object.fromEntries(Object.entries(ONE).map(([name, value]) => [name, value * 2]))

interface Row {
  date: string
  requests: number
}

function freeze(nowMs = Date.UTC(2027, 0, 5, 12)): void {
  vi.useFakeTimers({ now: nowMs, toFake: ['Date'] })
}

function use(secret: string): Promise<Response> {
  return complete(secret, { simulate: { ...AT_ONCE, usage: USAGE } })
}

async function read<Body = Record<string, unknown>>(path: string, secret = ADMIN_TOKEN): Promise<Body> {
  const response = await send('GET', path, secret)
  expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
  return response.json()
}

describe('usage', () => {
  it('of two completions is shown to the holder and to the operator by day', async () => {
    freeze()
    const { id, secret } = await issueKey({ limits: { requestsPerMinute: 5 } })
    for (let count = 0; count < 2; count++) expect((await use(secret)).status).toBe(200)
    const own = await read<{ days: Row[] }>('/v1/usage', secret)
    expect(own).toMatchObject({
      limits: { requestsPerMinute: 5 },
      remaining: { requestsPerMinute: 3 },
      today: TWO,
      month: TWO,
    })
    expect(own.days).toHaveLength(31)
    expect(own.days[0]).toEqual({ date: '2026-12-06', ...NONE })
    expect(own.days[30]).toEqual({ date: '2027-01-05', ...TWO })
    const ofKey = await read<{ days: Row[] }>(`/admin/keys/${id}/usage`)
    expect(ofKey).toMatchObject({ id, from: '2026-12-06', to: '2027-01-05', total: TWO })
    expect(ofKey.days).toEqual(own.days)
  })

  it('is written to KV in the background, with totals as metadata', async () => {
    const { id, secret } = await issueKey()
    await use(secret)
    await use(secret)
    await vi.waitFor(
      async () => {
        const { keys } = await env.KV.list({ prefix: `usage:${id}:` })
        expect(keys.map(({ metadata }) => metadata)).toEqual([[1, 2, 0, 2000, 800, 1000, 600, 6160, 0]])
      },
      { timeout: 3_000 },
    )
  })

  it('rolls over at midnight UTC', async () => {
    freeze(Date.UTC(2027, 0, 31, 23, 59, 59))
    const { secret } = await issueKey()
    await use(secret)
    vi.setSystemTime(Date.UTC(2027, 1, 1))
    await use(secret)
    const { today, month, days } = await read<Record<string, unknown> & { days: Row[] }>('/v1/usage', secret)
    expect([today, month]).toEqual([ONE, ONE])
    expect(days.slice(-2).map(({ date, requests }) => [date, requests])).toEqual([
      ['2027-01-31', 1],
      ['2027-02-01', 1],
    ])
  })

  it('counts an upstream failure at no cost, and no request that a limit refused', async () => {
    const { secret } = await issueKey({ limits: { requestsPerMinute: 1 } })
    expect((await complete(secret, { simulate: { ...AT_ONCE, throw: 'broken' } })).status).toBe(502)
    expect((await use(secret)).status).toBe(429)
    expect((await read('/v1/usage', secret))['today']).toEqual({ ...NONE, requests: 1, failures: 1 })
  })

  it('remains visible to the operator after its key is deleted', async () => {
    const { id, secret } = await issueKey()
    await use(secret)
    await send('DELETE', `/admin/keys/${id}`, ADMIN_TOKEN)
    expect((await send('GET', '/v1/usage', secret)).status).toBe(401)
    expect(await read(`/admin/keys/${id}/usage`)).toMatchObject({ total: ONE })
    for (const unknown of ['NoSuchKey000', 'x'])
      expect((await send('GET', `/admin/keys/${unknown}/usage`, ADMIN_TOKEN)).status).toBe(404)
  })

  it('accepts a range of dates, and names a wrong parameter', async () => {
    freeze()
    const { id } = await issueKey()
    const rangeOf = async (query: string): Promise<unknown> => {
      const { from, to, days } = await read<{ from: string; to: string; days: Row[] }>(
        `/admin/keys/${id}/usage${query}`,
      )
      return [from, to, days.length]
    }
    expect(await rangeOf('?from=2027-01-01')).toEqual(['2027-01-01', '2027-01-05', 5])
    expect(await rangeOf('?to=2026-03-01')).toEqual(['2026-01-30', '2026-03-01', 31])
    expect(await rangeOf('?from=2025-12-02&to=2027-01-05')).toEqual(['2025-12-02', '2027-01-05', 400])
    for (const [query, param] of [
      ['?from=yesterday', 'from'],
      ['?from=2027-1-1', 'from'],
      ['?to=2027-02-30', 'to'],
      ['?from=2027-01-05&to=2027-01-04', 'from'],
      ['?from=2025-12-01&to=2027-01-05', 'from'],
    ]) {
      for (const path of [`/admin/keys/${id}/usage`, '/admin/usage']) {
        const response = await send('GET', path + query, ADMIN_TOKEN)
        expect([response.status, (await errorOf(response)).param]).toEqual([400, param])
      }
    }
  })

  it('that KV cannot list is a 503', async () => {
    const { secret } = await issueKey()
    const list = vi.spyOn(env.KV, 'list').mockRejectedValue(new Error('KV LIST failed: 500'))
    const response = await send('GET', '/v1/usage', secret)
    expect([response.status, (await errorOf(response)).code]).toEqual([503, 'usage_unavailable'])
    list.mockRestore()
  })

  it('is read-only: POST gets a 405 with Allow', async () => {
    for (const path of ['/v1/usage', '/admin/usage', '/admin/keys/LocalOffline/usage']) {
      const response = await send('POST', path, ADMIN_TOKEN, {})
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET'])
    }
  })

  it('of past days is folded by the cron trigger, and its totals stay the same', async () => {
    freeze()
    const { id, secret } = await issueKey()
    await use(secret)
    await vi.waitFor(async () => expect((await env.KV.list({ prefix: `usage:${id}:` })).keys).toHaveLength(1))
    vi.setSystemTime(Date.UTC(2027, 0, 6, 2, 17))
    for (let run = 0; run < 2; run++) {
      const scheduledTime = new Date(Date.now() + run * 3_600_000)
      await gateway.scheduled(createScheduledController({ scheduledTime }), env)
      expect(await read(`/admin/keys/${id}/usage`)).toMatchObject({ total: ONE })
    }
    expect((await env.KV.list({ prefix: `usage:${id}:` })).keys).toEqual([])
    expect((await env.KV.list({ prefix: `usage-day:${id}:` })).keys).toHaveLength(1)
  })
})

describe('a budget', () => {
  it('refuses when it is spent, says when it resets, and tells clients not to retry', async () => {
    freeze()
    const { secret } = await issueKey({ limits: { budget: { usd: 0.005, period: 'day' } } })
    expect([(await use(secret)).status, (await use(secret)).status]).toEqual([200, 200])
    const refused = await use(secret)
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([429, 'false'])
    expect(refused.headers.get('retry-after')).toBeNull()
    expect(await errorOf(refused)).toEqual({
      message:
        'The budget of this key is spent: 0.005 USD a day. It starts anew at 2027-01-06T00:00:00.000Z. Ask the operator of this gateway.',
      type: 'insufficient_quota',
      param: null,
      code: 'insufficient_quota',
    })
    expect(await read('/v1/usage', secret)).toMatchObject({ remaining: { budgetUsd: 0 }, today: TWO })
    vi.setSystemTime(Date.now() + DAY_MS)
    expect((await use(secret)).status).toBe(200)
    const { remaining } = await read<{ remaining: { budgetUsd: number } }>('/v1/usage', secret)
    expect(remaining.budgetUsd).toBeCloseTo(0.005 - COST_USD, 9)
  })

  it('is set, changed and removed by the operator', async () => {
    freeze()
    const { id, secret } = await issueKey({ limits: { budget: { usd: 0.000001, period: 'total' } } })
    const change = async (limits: Record<string, unknown>): Promise<unknown> => {
      const response = await send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, { limits })
      return (await response.json<{ limits: unknown }>()).limits
    }
    expect([(await use(secret)).status, (await use(secret)).status]).toEqual([200, 429])
    expect(await change({ budget: { usd: 1, period: 'month' } })).toEqual({
      budget: { usd: 1, period: 'month' },
    })
    expect((await use(secret)).status).toBe(200)
    expect(await change({ budget: null })).toEqual({})
    expect((await use(secret)).status).toBe(200)
  })

  it.each([
    [{ usd: 0, period: 'day' }, 'limits.budget.usd'],
    [{ usd: 1_000_001, period: 'day' }, 'limits.budget.usd'],
    [{ usd: '5', period: 'day' }, 'limits.budget.usd'],
    [{ usd: 5, period: 'week' }, 'limits.budget.period'],
    [{ usd: 5 }, 'limits.budget.period'],
    [{ usd: 5, period: 'day', currency: 'EUR' }, 'limits.budget.currency'],
  ])('cannot be %o', async (budget, param) => {
    const response = await send('POST', '/admin/keys', ADMIN_TOKEN, { name: 'a', limits: { budget } })
    expect([response.status, (await errorOf(response)).param]).toEqual([400, param])
  })

  it('of a key new to this isolate is a 503 with retry-after while KV fails', async () => {
    const { secret } = await issueKey({ limits: { budget: { usd: 1, period: 'day' } } })
    const free = await issueKey()
    const list = vi.spyOn(env.KV, 'list').mockRejectedValue(new Error('KV LIST failed: 500'))
    const refused = await use(secret)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await errorOf(refused)).toMatchObject({ type: 'server_error', code: 'budget_unavailable' })
    expect((await use(free.secret)).status).toBe(200)
    list.mockRestore()
    expect((await use(secret)).status).toBe(200)
  })
})
