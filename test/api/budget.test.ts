/** Money: a budget is kept by the key's account, whatever the key's holder does and however many isolates there are. */
import { reset, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  ADMIN_TOKEN,
  AT_ONCE,
  complete,
  env,
  errorOf,
  HELLO,
  issueKey,
  leaveAll,
  send,
} from '../support/gateway.ts'
import { isolate } from '../support/isolate.ts'
import { takes } from '../support/upstream-kind.ts'
import { usageAfter, usageOf } from '../support/usage.ts'

afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

const USAGE = { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 }
/** 1000 × 1.10 + 500 × 4.40 dollars a million. */
const COST_USD = 0.0033
/** The answer of a model that reasons for as long as it may. */
const DEAR = { prompt_tokens: 10, completion_tokens: 100_000, total_tokens: 100_010 }
/** The worst case of `HELLO` without a cap, to the cent. */
const WORST_USD = 0.45

function use(secret: string, overrides: Record<string, unknown> = {}): Promise<Response> {
  return complete(secret, { simulate: { ...AT_ONCE, usage: USAGE }, ...overrides })
}

describe('a budget', () => {
  it('of 0.01 USD lets no more than one worst case through, though 300 calls come at once', async () => {
    const key = await issueKey({ limits: { budget: { usd: 0.01, period: 'day' } } })
    const calls = Array.from({ length: 300 }, () =>
      complete(key.secret, { simulate: { ...AT_ONCE, thinkMs: 50, usage: DEAR } }),
    )
    const statuses = (await Promise.all(calls)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(new Set(statuses)).toEqual(new Set([200, 429]))
    const { total } = await usageAfter(key, 1)
    expect(total.costUsd).toBeLessThan(0.01 + WORST_USD)
    expect((await use(key.secret)).status).toBe(429)
  }, 20_000)

  it('admits as many calls at once as fit by their caps, and says how many that are', async () => {
    const key = await issueKey({ limits: { budget: { usd: 0.01, period: 'day' } } })
    const held = (): Promise<Response> =>
      complete(key.secret, { max_completion_tokens: 1_000, stream: true, simulate: { hang: 0 } })
    const first = await held()
    const second = await held()
    expect([first.status, second.status]).toEqual([200, 200])
    const third = await held()
    expect([third.status, third.headers.get('retry-after'), third.headers.get('x-should-retry')]).toEqual([
      429,
      '1',
      null,
    ])
    expect(await errorOf(third)).toMatchObject({
      type: 'requests',
      code: 'rate_limit_exceeded',
      message: expect.stringMatching(
        /0\.01 USD are left of 0\.01 USD\. 2 requests like this one can run at once\. Lower the maximum of output tokens/,
      ),
    })
    const small = await use(key.secret, { max_completion_tokens: 100 })
    expect(small.status).toBe(200)
    await leaveAll([first, second])
  })

  it('refuses when it is spent, says when it renews, and tells clients not to retry', async () => {
    vi.useFakeTimers({ now: Date.UTC(2027, 0, 5, 12), toFake: ['Date'] })
    const key = await issueKey({ limits: { budget: { usd: 0.005, period: 'day' } } })
    const first = await use(key.secret)
    expect([
      first.headers.get('x-gateway-limit-budget-usd'),
      first.headers.get('x-gateway-remaining-budget-usd'),
    ]).toEqual(['0.005', '0.005'])
    await usageAfter(key, 1)
    expect((await use(key.secret)).headers.get('x-gateway-remaining-budget-usd')).toBe('0.0017')
    await usageAfter(key, 2)
    const refused = await use(key.secret)
    expect([
      refused.status,
      refused.headers.get('x-should-retry'),
      refused.headers.get('retry-after'),
    ]).toEqual([429, 'false', null])
    expect(await errorOf(refused)).toEqual({
      message:
        'The budget of this key is spent: 0.005 USD a day. It starts anew at 2027-01-06T00:00:00.000Z. Ask the operator of this gateway.',
      type: 'insufficient_quota',
      param: null,
      code: 'insufficient_quota',
    })
    vi.setSystemTime(Date.UTC(2027, 0, 6))
    expect((await use(key.secret)).status).toBe(200)
  })

  it('holds across isolates and a restart of its account', async () => {
    const key = await issueKey({ limits: { budget: { usd: 0.005, period: 'total' } } })
    const body = { ...HELLO, simulate: { ...AT_ONCE, usage: USAGE } }
    const statuses: number[] = []
    for (let call = 0; call < 4; call++) {
      statuses.push((await isolate()('POST', '/v1/chat/completions', key.secret, body)).status)
      const account = env.ACCOUNTS.getByName(key.id)
      await runInDurableObject(account, (_account, { storage }) => storage.sync())
    }
    expect(statuses).toEqual([200, 200, 429, 429])
    expect((await usageOf(key)).total.costUsd).toBeCloseTo(2 * COST_USD, 9)
  })

  it('is set, raised and removed by the operator, which holds at once', async () => {
    const key = await issueKey({ limits: { budget: { usd: 0.000001, period: 'total' } } })
    const change = (limits: Record<string, unknown>): Promise<Response> =>
      send('PATCH', `/admin/keys/${key.id}`, ADMIN_TOKEN, { limits })
    await use(key.secret)
    await usageAfter(key, 1)
    expect((await use(key.secret)).status).toBe(429)
    await change({ budget: { usd: 1, period: 'month' } })
    expect((await use(key.secret)).status).toBe(200)
    await change({ budget: null })
    expect((await use(key.secret)).status).toBe(200)
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

  it('comes from DEFAULT_BUDGET_USD where the key has none', async () => {
    const key = await issueKey()
    const vars = { DEFAULT_BUDGET_USD: '0.000001', DEFAULT_BUDGET_PERIOD: 'day' }
    const elsewhere = isolate(undefined, vars)
    const body = { ...HELLO, simulate: { ...AT_ONCE, usage: USAGE } }
    const post = () => elsewhere('POST', '/v1/chat/completions', key.secret, body)
    expect([(await post()).status, (await post()).status]).toEqual([200, 429])
  })
})

describe('while the account does not answer, a budget', () => {
  it('of a key new to this isolate is a 503 with retry-after, and other keys go on', async () => {
    const key = await issueKey({ limits: { budget: { usd: 1, period: 'day' } } })
    const free = await issueKey()
    const broken = vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation(() => {
      throw new Error('internal error')
    })
    const refused = await use(key.secret)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await errorOf(refused)).toMatchObject({ type: 'server_error', code: 'budget_unavailable' })
    expect((await use(free.secret)).status).toBe(200)
    broken.mockRestore()
    vi.useFakeTimers({ now: Date.now() + 1_000, toFake: ['Date'], shouldAdvanceTime: true })
    expect((await use(key.secret)).status).toBe(200)
  })

  it('passes within a tenth of what was left', async () => {
    const key = await issueKey({ limits: { budget: { usd: 1, period: 'day' } } })
    expect((await use(key.secret)).status).toBe(200)
    await usageAfter(key, 1)
    vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation(() => {
      throw new Error('internal error')
    })
    const costing = (max_completion_tokens: number) => use(key.secret, { max_completion_tokens })
    expect([(await costing(1_000)).status, (await costing(100_000)).status]).toEqual([200, 503])
  })
})

describe('completionTokensPerRequest', () => {
  it.runIf(takes('chat'))(
    'is set where the caller asks for more or sets no cap, and told in a header',
    async () => {
      const { secret } = await issueKey({ limits: { completionTokensPerRequest: 600 } })
      const capOf = async (overrides: Record<string, unknown>) => {
        const tag = crypto.randomUUID()
        const response = await complete(secret, { ...overrides, simulate: { ...AT_ONCE, tag } })
        const call = (await env.AI.calls()).find((made) => made.tag === tag)
        const { max_completion_tokens: cap, max_tokens: oldCap } = call?.inputs ?? {}
        return [cap, oldCap, response.headers.get('x-gateway-completion-tokens-max')]
      }
      expect(await capOf({})).toEqual([600, undefined, '600'])
      expect(await capOf({ max_completion_tokens: 601 })).toEqual([600, undefined, '600'])
      expect(await capOf({ max_completion_tokens: 600 })).toEqual([600, undefined, null])
      expect(await capOf({ max_tokens: 5_000 })).toEqual([undefined, 600, '600'])
      expect(await capOf({ n: 3 })).toEqual([200, undefined, '200'])
    },
  )

  it('lets more requests fit into a budget at once', async () => {
    const limits = { completionTokensPerRequest: 100, budget: { usd: 0.01, period: 'day' } }
    const { secret } = await issueKey({ limits })
    const held = await Promise.all(
      Array.from({ length: 8 }, () => complete(secret, { stream: true, simulate: { hang: 0 } })),
    )
    expect(held.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200))
    await leaveAll(held)
  })
})
