/** Usage is booked by the key's account, and shown to the holder and to the operator. */
import { evictDurableObject, reset, runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { USAGE_QUESTIONS_MAX, USAGE_REMEMBERED_MS } from '../../src/accounts/usage-memory.ts'
import { ADMIN_TOKEN, AT_ONCE, complete, env, errorOf, issueKey, send } from '../support/gateway.ts'
import { type KeyUsageAnswer, usageAfter, usageOf } from '../support/usage.ts'

afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

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
  refused: 0,
  promptTokens: 1000,
  cachedTokens: 400,
  completionTokens: 500,
  reasoningTokens: 300,
  pending: 0,
  estimated: 0,
  costUsd: COST_USD,
  estimatedUsd: 0,
}
const NONE = Object.fromEntries(Object.keys(ONE).map((name) => [name, 0]))
const TWO = Object.fromEntries(Object.entries(ONE).map(([name, value]) => [name, value * 2]))

/** The clock starts at this time and goes on, since settlements are sent by the clock. */
function setClock(nowMs = Date.UTC(2027, 0, 5, 12)): void {
  vi.useFakeTimers({ now: nowMs, toFake: ['Date'], shouldAdvanceTime: true })
}

function use(secret: string, overrides: Record<string, unknown> = {}): Promise<Response> {
  return complete(secret, { simulate: { ...AT_ONCE, usage: USAGE }, ...overrides })
}

interface HolderUsage {
  limits: Record<string, unknown>
  remaining: Record<string, number>
  renewsAt: Record<string, string>
  today: object
  month: object
  models: object[]
  days: KeyUsageAnswer['days']
}

async function ownUsage(secret: string): Promise<HolderUsage> {
  const response = await send('GET', '/v1/usage', secret)
  expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
  return response.json()
}

describe('usage', () => {
  it('is shown by day and model to the holder and to the operator', async () => {
    setClock()
    const key = await issueKey({ limits: { requestsPerMinute: 5 } })
    await use(key.secret)
    await use(key.secret, { model: 'o3-mini-2025-01-31' })
    const ofKey = await usageAfter(key, 2)
    const models = [
      { model: 'o3-mini', ...ONE },
      { model: 'o3-mini-2025-01-31', ...ONE },
    ]
    expect(ofKey).toMatchObject({ id: key.id, from: '2026-12-06', to: '2027-01-05', total: TWO, models })
    expect(ofKey.days).toHaveLength(31)
    expect(ofKey.days[0]).toEqual({ date: '2026-12-06', ...NONE, models: [] })
    expect(ofKey.days[30]).toEqual({ date: '2027-01-05', ...TWO, models })
    const own = await ownUsage(key.secret)
    expect(own).toMatchObject({
      limits: { requestsPerMinute: 5 },
      remaining: { requestsPerMinute: 3 },
      today: TWO,
      month: TWO,
      models,
      days: ofKey.days,
    })
    expect(Date.parse(own.renewsAt['requestsPerMinute'] ?? '')).toBeGreaterThan(Date.now())
  })

  it('is booked on the day of the request, by UTC', async () => {
    setClock(Date.UTC(2027, 0, 31, 23, 59, 50))
    const key = await issueKey()
    await use(key.secret)
    await usageAfter(key, 1)
    vi.setSystemTime(Date.UTC(2027, 1, 1, 0, 0, 5))
    await use(key.secret)
    const { days } = await usageAfter(key, 2)
    expect(days.slice(-2).map(({ date, requests }) => [date, requests])).toEqual([
      ['2027-01-31', 1],
      ['2027-02-01', 1],
    ])
    expect(await ownUsage(key.secret)).toMatchObject({ today: ONE, month: ONE })
  })

  it('counts a refusal of the model at no cost, and no request that a limit refused', async () => {
    const key = await issueKey({ limits: { requestsPerMinute: 1 } })
    const simulate = { ...AT_ONCE, error: { shape: 'openai', status: 400 } }
    expect((await complete(key.secret, { simulate })).status).toBe(400)
    expect((await use(key.secret)).status).toBe(429)
    const { total } = await usageAfter(key, 1)
    // The report of the refusal may come later than the settlement.
    expect({ ...total, refused: 0 }).toEqual({ ...NONE, requests: 1, failures: 1 })
  })

  it('of a deleted key stays for the operator, and says when the key was deleted', async () => {
    const key = await issueKey()
    await use(key.secret)
    await usageAfter(key, 1)
    const deletion = await send('DELETE', `/admin/keys/${key.id}`, ADMIN_TOKEN)
    expect(await deletion.json()).toEqual({
      id: key.id,
      deleted: true,
      usageKeptUntil: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    })
    expect((await send('GET', '/v1/usage', key.secret)).status).toBe(401)
    expect(await usageOf(key)).toMatchObject({ total: ONE, deletedAt: expect.any(String) })
    for (const unknown of ['NoSuchKey000', 'x'])
      expect((await send('GET', `/admin/keys/${unknown}/usage`, ADMIN_TOKEN)).status).toBe(404)
  })

  it('accepts a range of dates, and names a wrong parameter', async () => {
    setClock()
    const { id } = await issueKey()
    const rangeOf = async (query: string): Promise<unknown> => {
      const { from, to, days } = await usageOf({ id }, query)
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
      const response = await send('GET', `/admin/keys/${id}/usage${query}`, ADMIN_TOKEN)
      expect([response.status, (await errorOf(response)).param]).toEqual([400, param])
    }
  })

  it('that its account cannot tell is a 503', async () => {
    const { secret } = await issueKey()
    vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation(() => {
      throw new Error('internal error')
    })
    const response = await send('GET', '/v1/usage', secret)
    expect([response.status, (await errorOf(response)).code]).toEqual([503, 'usage_unavailable'])
  })

  it('is read-only: POST gets a 405 with Allow', async () => {
    for (const path of ['/v1/usage', '/admin/keys/LocalOffline/usage']) {
      const response = await send('POST', path, ADMIN_TOKEN, {})
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET'])
    }
  })
})

describe('the holder’s usage', () => {
  it('is one call to the account in 10 s', async () => {
    setClock()
    const { secret } = await issueKey()
    await ownUsage(secret)
    const calls = vi.spyOn(env.ACCOUNTS, 'getByName')
    await ownUsage(secret)
    expect(calls).not.toHaveBeenCalled()
    vi.setSystemTime(Date.now() + USAGE_REMEMBERED_MS)
    await ownUsage(secret)
    expect(calls).toHaveBeenCalledTimes(1)
  })

  it('is refused above 60 questions a minute, for that key alone', async () => {
    setClock()
    const [eager, other] = [await issueKey(), await issueKey()]
    for (let asked = 0; asked < USAGE_QUESTIONS_MAX; asked++) await ownUsage(eager.secret)
    const refused = await send('GET', '/v1/usage', eager.secret)
    expect([refused.status, (await errorOf(refused)).code]).toEqual([429, 'rate_limit_exceeded'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50)
    await ownUsage(other.secret)
    vi.setSystemTime(Date.now() + 60_000)
    await ownUsage(eager.secret)
  })

  it('shows where every limit of an exact key stands, and when it renews', async () => {
    setClock()
    const limits = {
      requestsPerMinute: 5,
      tokensPerMinute: 100_000,
      requestsPerDay: 3,
      concurrentRequests: 2,
      budget: { usd: 1, period: 'month' },
    }
    const { id, secret } = await issueKey({ limits })
    await use(secret)
    await usageAfter({ id }, 1)
    expect(await ownUsage(secret)).toMatchObject({
      limits,
      remaining: {
        requestsPerMinute: 4,
        tokensPerMinute: 98_500,
        requestsPerDay: 2,
        concurrentRequests: 2,
        budgetUsd: 1 - COST_USD,
      },
      renewsAt: {
        budgetUsd: '2027-02-01T00:00:00.000Z',
        requestsPerDay: '2027-01-06T00:00:00.000Z',
      },
    })
  })
})

describe('the directory', () => {
  it('learns a key’s usage from its account, at most once a minute', async () => {
    setClock()
    const key = await issueKey()
    const account = env.ACCOUNTS.getByName(key.id)
    const reported = async () => {
      const response = await send('GET', '/admin/usage?by=key', ADMIN_TOKEN)
      const { data } = await response.json<{ data: { id: string; requests: number }[] }>()
      return data.find(({ id }) => id === key.id)?.requests ?? 0
    }
    await use(key.secret)
    await usageAfter(key, 1)
    await runDurableObjectAlarm(account)
    expect(await reported()).toBe(1)
    await use(key.secret)
    await usageAfter(key, 2)
    await runDurableObjectAlarm(account)
    expect(await reported()).toBe(1)
    vi.setSystemTime(Date.now() + 60_000)
    await runDurableObjectAlarm(account)
    expect(await reported()).toBe(2)
  })

  it('learns it although the account was evicted, and the directory failed, before the report', async () => {
    setClock()
    const key = await issueKey()
    await use(key.secret)
    await usageAfter(key, 1)
    const account = env.ACCOUNTS.getByName(key.id)
    await evictDurableObject(account)
    const broken = vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation(() => {
      throw new Error('internal error')
    })
    await runDurableObjectAlarm(account)
    broken.mockRestore()
    await evictDurableObject(account)
    vi.setSystemTime(Date.now() + 1_000)
    await runDurableObjectAlarm(account)
    const response = await send('GET', '/admin/usage?by=key', ADMIN_TOKEN)
    expect((await response.json<{ total: object }>()).total).toEqual(ONE)
  })
})
