/** Limits of a group: they hold for all of its keys together, beside the limits of each key. */
import { describe, expect, it, vi } from 'vitest'
import type { Limits } from '../../src/limits/limits.ts'
import { startEachAt } from '../support/clean-state.ts'
import { linesOf, recordLog } from '../support/console.ts'
import {
  ADMIN_TOKEN,
  AT_ONCE,
  complete,
  env,
  errorOf,
  HELLO,
  type IssuedKey,
  issueKey,
  leaveAll,
  respond,
  send,
} from '../support/gateway.ts'
import { isolate } from '../support/isolate.ts'
import { accountNow, createGroup, keyIn, change, totalAfter, waitForAccount } from '../support/groups.ts'

const NOON_MS = Date.UTC(2027, 0, 5, 12)
const CALLERS = 64

startEachAt(NOON_MS)

const STREAM_THAT_HANGS = { stream: true, simulate: { ...AT_ONCE, hang: 0 } }

/** One key of each kind: without limits, decided by its isolate, and decided by its account. */
async function keysIn(group: string): Promise<[IssuedKey, IssuedKey, IssuedKey]> {
  return Promise.all([
    keyIn(group),
    keyIn(group, { requestsPerMinute: 500, tokensPerMinute: 100_000_000 }),
    keyIn(group, { requestsPerDay: 500, concurrentRequests: 100 }),
  ])
}

/** Asks with the keys in turn, on both routes, all at once. */
async function floodWith(keys: readonly IssuedKey[], overrides: Record<string, unknown> = {}) {
  const calls = Array.from({ length: CALLERS }, (_, at) =>
    (at % 2 === 0 ? complete : respond)(keys[at % keys.length]?.secret ?? '', overrides),
  )
  const answers = await Promise.all(calls)
  return {
    admitted: answers.filter(({ status }) => status === 200),
    refused: answers.filter(({ status }) => status === 429),
  }
}

// Floods take their time on a busy machine.
describe('the limit of a group, for keys of all kinds,', { timeout: 30_000 }, () => {
  it('of concurrent requests is exact for 64 callers at once', async () => {
    const group = await createGroup({ concurrentRequests: 5 })
    const keys = await keysIn(group)
    const { admitted, refused } = await floodWith(keys, STREAM_THAT_HANGS)
    expect([admitted.length, refused.length]).toEqual([5, CALLERS - 5])
    const [first, ...others] = admitted
    await first?.body?.cancel()
    await waitForAccount(group, { status: { concurrentRequests: { used: 4 } } })
    vi.setSystemTime(Date.now() + 1_000)
    expect((await complete(keys[0].secret)).status).toBe(200)
    await leaveAll(others)
  })

  it.each<[string, Limits]>([
    ['requests a day', { requestsPerDay: 20 }],
    ['requests a minute', { requestsPerMinute: 20 }],
  ])('of %s is exact for 64 callers at once', async (_name, limits) => {
    const group = await createGroup(limits)
    const { admitted, refused } = await floodWith(await keysIn(group))
    expect([admitted.length, refused.length]).toEqual([20, CALLERS - 20])
    await totalAfter(group, 20)
  })

  it('of tokens counts the answers of all keys', async () => {
    const group = await createGroup({ tokensPerMinute: 10_000 })
    const [first, ...others] = await keysIn(group)
    const usage = { prompt_tokens: 3_000, completion_tokens: 6_999 }
    await complete(first.secret, { simulate: { ...AT_ONCE, usage } })
    await totalAfter(group, 1)
    for (const { secret } of others) {
      const refused = await complete(secret)
      expect(refused.status).toBe(429)
      expect(await errorOf(refused)).toMatchObject({
        type: 'tokens',
        message: expect.stringContaining(
          "Rate limit reached for this key's group: Limit 10000 tokens per minute",
        ),
      })
    }
  })

  it('of money lets no more than one worst case through, though 64 calls come at once', async () => {
    const group = await createGroup({ budget: { usd: 0.01, period: 'day' } })
    const keys = await keysIn(group)
    const dear = { prompt_tokens: 10, completion_tokens: 100_000 }
    const simulate = { ...AT_ONCE, thinkMs: 50, usage: dear }
    const { admitted, refused } = await floodWith(keys, { simulate })
    expect([admitted.length, refused.length]).toEqual([1, CALLERS - 1])
    await totalAfter(group, 1)
    vi.setSystemTime(Date.now() + 1_000)
    expect((await complete(keys[2].secret)).status).toBe(429)
  })
})

describe('a request that the group refuses', { timeout: 15_000 }, () => {
  it('says so, with the limit, and Explain and the log say so too', async () => {
    const group = await createGroup({ requestsPerMinute: 1 })
    const [first, second] = [await keyIn(group), await keyIn(group)]
    await complete(first.secret)
    const log = recordLog()
    const refused = await complete(second.secret)
    expect([refused.status, refused.headers.get('x-ratelimit-limit-requests')]).toEqual([429, '1'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50)
    expect(await errorOf(refused)).toEqual({
      message: expect.stringMatching(
        /^Rate limit reached for this key's group: Limit 1 requests per minute, Used 1\. Please try again in /,
      ),
      type: 'requests',
      param: null,
      code: 'rate_limit_exceeded',
    })
    expect(linesOf(log, 'request')).toMatchObject([{ reason: 'group_limit_requests', keyId: second.id }])
    const id = refused.headers.get('x-request-id') ?? ''
    const limit = { name: 'requests', limit: 1, used: 1, of: 'group' }
    await vi.waitFor(
      async () => {
        const known = await send('GET', `/admin/requests/${id}`, ADMIN_TOKEN)
        expect(await known.json()).toMatchObject({ state: 'refused', keyId: second.id, limit })
      },
      { timeout: 5_000, interval: 50 },
    )
    for (const owner of [second.id, group]) await waitForAccount(owner, { total: { refused: 1 } })
    expect((await accountNow(first.id)).total).toMatchObject({ refused: 0, requests: 1 })
  })

  it('for its budget says that the budget of the group is spent', async () => {
    const group = await createGroup({ budget: { usd: 0.000_001, period: 'month' } })
    const [first, second] = [await keyIn(group), await keyIn(group)]
    await complete(first.secret)
    await totalAfter(group, 1)
    const refused = await complete(second.secret)
    expect([refused.status, refused.headers.get('x-gateway-limit-budget-usd')]).toEqual([429, '0.000001'])
    expect(await errorOf(refused)).toMatchObject({
      message:
        "The budget of this key's group is spent: 0.000001 USD a month. It starts anew at 2027-02-01T00:00:00.000Z. Ask the operator of this gateway.",
      code: 'insufficient_quota',
    })
  })

  it('is refused before its body is read, for as long as the refusal holds, and without another call', async () => {
    const group = await createGroup({ requestsPerDay: 1 })
    const key = await keyIn(group)
    await complete(key.secret)
    expect((await complete(key.secret)).status).toBe(429)
    const calls = vi.spyOn(env.ACCOUNTS, 'getByName')
    const refused = await send('POST', '/v1/chat/completions', key.secret, 'no JSON')
    expect([refused.status, (await errorOf(refused)).message]).toEqual([
      429,
      expect.stringContaining("this key's group: Limit 1 requests per day"),
    ])
    expect(calls.mock.calls.filter(([name]) => name === group).length).toBeLessThanOrEqual(1)
    vi.setSystemTime(Date.now() + 6_000)
    await change(`/admin/groups/${group}`, { limits: { requestsPerDay: 9 } })
    expect((await complete(key.secret)).status).toBe(200)
  })
})

describe('where one of the two refuses, the other one', { timeout: 15_000 }, () => {
  it.each<[string, Limits, object]>([
    ['its isolate, takes its counts back', { requestsPerMinute: 9, tokensPerMinute: 100_000 }, {}],
    [
      'its account, takes its place, its money and its counts back',
      {
        requestsPerMinute: 9,
        tokensPerMinute: 100_000,
        requestsPerDay: 9,
        concurrentRequests: 9,
        budget: { usd: 10, period: 'day' },
      },
      {
        requests: { used: 0 },
        tokens: { used: 0 },
        requestsPerDay: { used: 0 },
        concurrentRequests: { used: 0 },
        budget: { underWayMicroUsd: 0, bookedMicroUsd: 0 },
      },
    ],
  ])('of a key decided by %s', async (_kind, limits, status) => {
    const group = await createGroup({ concurrentRequests: 1 })
    const [key, other] = [await keyIn(group, limits), await keyIn(group)]
    const held = await complete(other.secret, STREAM_THAT_HANGS)
    for (let attempt = 0; attempt < 3; attempt++) {
      // A refusal of this limit holds for a tenth of a second.
      vi.setSystemTime(Date.now() + 1_000)
      expect((await complete(key.secret)).status).toBe(429)
    }
    await waitForAccount(key.id, { status, total: { requests: 0, costMicroUsd: 0 } })
    await leaveAll([held])
    await waitForAccount(group, { status: { concurrentRequests: { used: 0 } } })
    vi.setSystemTime(Date.now() + 1_000)
    const admitted = await complete(key.secret)
    expect([admitted.status, admitted.headers.get('x-ratelimit-remaining-requests')]).toEqual([200, '8'])
  })

  it('of a group takes its place, its money and its counts back', async () => {
    const group = await createGroup({
      requestsPerMinute: 9,
      tokensPerMinute: 100_000,
      requestsPerDay: 9,
      concurrentRequests: 9,
      budget: { usd: 10, period: 'day' },
    })
    const key = await keyIn(group, { concurrentRequests: 1 })
    const held = await complete(key.secret, { ...STREAM_THAT_HANGS, max_completion_tokens: 100 })
    const { status } = await accountNow(group)
    for (let attempt = 0; attempt < 3; attempt++) {
      vi.setSystemTime(Date.now() + 1_000)
      const refused = await complete(key.secret)
      expect([refused.status, (await errorOf(refused)).message]).toEqual([
        429,
        expect.stringContaining('Rate limit reached for this key: Limit 1 concurrent requests'),
      ])
    }
    const withoutTimes = Object.fromEntries(
      Object.entries(status).map(([name, { resetMs: _resetMs, ...figures }]) => [name, figures]),
    )
    await waitForAccount(group, { status: withoutTimes, total: { requests: 0, refused: 0 } })
    await leaveAll([held])
  })
})

describe('a request of a key in a group', { timeout: 15_000 }, () => {
  it('asks both accounts at once, and not one after the other', async () => {
    const budget = { budget: { usd: 1, period: 'day' } } as const
    const group = await createGroup(budget)
    const key = await keyIn(group, budget)
    const getByName = env.ACCOUNTS.getByName.bind(env.ACCOUNTS)
    const asked = new Set<string>()
    const { promise: bothAsked, resolve } = Promise.withResolvers<void>()
    vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation((name) => {
      const stub = getByName(name)
      const admit = async (...given: Parameters<typeof stub.admit>) => {
        asked.add(name)
        if (asked.size === 2) resolve()
        await bothAsked
        return stub.admit(...given)
      }
      return { admit, settle: (...given: Parameters<typeof stub.settle>) => stub.settle(...given) } as never
    })
    // An account that does not answer within a second would make it a 503.
    expect((await complete(key.secret)).status).toBe(200)
    expect([...asked].toSorted()).toEqual([key.id, group].toSorted())
  })

  it('that its isolate refuses asks no account', async () => {
    const group = await createGroup({ requestsPerDay: 9 })
    const key = await keyIn(group, { tokensPerMinute: 100 })
    const calls = vi.spyOn(env.ACCOUNTS, 'getByName')
    expect((await complete(key.secret, { max_completion_tokens: 500 })).status).toBe(429)
    expect(calls.mock.calls.filter(([name]) => name === group)).toEqual([])
  })

  it('that a refusal of its account still refuses does not ask the group', async () => {
    const group = await createGroup({ requestsPerDay: 9 })
    const key = await keyIn(group, { requestsPerDay: 1 })
    await complete(key.secret)
    expect((await complete(key.secret)).status).toBe(429)
    const calls = vi.spyOn(env.ACCOUNTS, 'getByName')
    expect((await complete(key.secret)).status).toBe(429)
    expect(calls.mock.calls.filter(([name]) => name === group)).toEqual([])
  })

  it('shows of each limit the scarcer of the two', async () => {
    const group = await createGroup({
      requestsPerMinute: 5,
      tokensPerMinute: 1_000_000,
      concurrentRequests: 9,
      budget: { usd: 2, period: 'day' },
    })
    const limits = {
      requestsPerMinute: 50,
      tokensPerMinute: 50_000,
      concurrentRequests: 3,
      budget: { usd: 4, period: 'day' },
    } as const
    const { headers } = await complete((await keyIn(group, limits)).secret)
    const names = [
      'x-ratelimit-limit-requests',
      'x-ratelimit-limit-tokens',
      'x-gateway-limit-concurrent-requests',
      'x-gateway-limit-budget-usd',
    ]
    expect(names.map((name) => headers.get(name))).toEqual(['5', '50000', '3', '2'])
  })
})

describe('a key without a group', () => {
  it.each<[string, Limits]>([
    ['its isolate decides', {}],
    ['its account decides', { requestsPerDay: 9 }],
  ])('calls no other account where %s', async (_who, limits) => {
    const key = await issueKey({ limits })
    const calls = vi.spyOn(env.ACCOUNTS, 'getByName')
    await complete(key.secret)
    await totalAfter(key.id, 1)
    expect(new Set(calls.mock.calls.map(([name]) => name))).toEqual(new Set([key.id]))
  })
})

describe('a key of a group that is gone', () => {
  it.each<[string, () => Promise<string>]>([
    [
      'was deleted',
      async () => {
        const group = await createGroup()
        await env.ACCOUNTS.getByName(group).delete(group, new Date().toISOString())
        return group
      },
    ],
    ['never existed', async () => 'grp_000000000000'],
    ['is a key', async () => (await issueKey()).id],
  ])('since it %s is refused, and its account takes its place back', async (_why, goneGroup) => {
    const [key, group] = [
      await issueKey({ limits: { requestsPerDay: 5, concurrentRequests: 1 } }),
      await goneGroup(),
    ]
    // No route lets a key have such a group.
    await env.ACCOUNTS.getByName(key.id).update(key.id, { group })
    const copy = { ...JSON.parse((await env.KV.get(`key:${key.id}`)) ?? ''), group }
    const elsewhere = isolate(async () => JSON.stringify(copy))
    const refused = await elsewhere('POST', '/v1/chat/completions', key.secret, HELLO)
    expect([refused.status, await errorOf(refused)]).toEqual([
      403,
      {
        message:
          'The group of this API key was deleted. Ask the operator of this gateway to move the key to another group.',
        type: 'invalid_request_error',
        param: null,
        code: 'group_deleted',
      },
    ])
    await waitForAccount(key.id, { status: { requestsPerDay: { used: 0 }, concurrentRequests: { used: 0 } } })
  })

  it('is told to retry where it was moved and only an isolate has the old copy', async () => {
    const [before, after] = [await createGroup(), await createGroup()]
    const key = await keyIn(before)
    const copy = await env.KV.get(`key:${key.id}`)
    const elsewhere = isolate(async () => copy)
    const post = () => elsewhere('POST', '/v1/chat/completions', key.secret, HELLO)
    expect((await post()).status).toBe(200)
    await change(`/admin/keys/${key.id}`, { group: after })
    await env.ACCOUNTS.getByName(before).delete(before, new Date().toISOString())
    const retried = await post()
    expect([retried.status, retried.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await post()).status).toBe(200)
    await totalAfter(after, 1)
  })
})

describe('GET /v1/usage of a key in a group', () => {
  it('shows what the group may use and what is left, and nothing of its other keys', async () => {
    const group = await createGroup({ requestsPerDay: 9, budget: { usd: 2, period: 'day' } }, 'lab')
    const [key, other] = [await keyIn(group), await keyIn(group)]
    await complete(other.secret, {
      simulate: { ...AT_ONCE, usage: { prompt_tokens: 0, completion_tokens: 100_000 } },
    })
    await totalAfter(group, 1)
    const answer = await send('GET', '/v1/usage', key.secret)
    const text = await answer.text()
    expect(JSON.parse(text)).toMatchObject({
      limits: {},
      today: { requests: 0 },
      group: {
        name: 'lab',
        limits: { requestsPerDay: 9, budget: { usd: 2, period: 'day' } },
        remaining: { requestsPerDay: 8, budgetUsd: 1.56 },
        renewsAt: { requestsPerDay: '2027-01-06T00:00:00.000Z', budgetUsd: '2027-01-06T00:00:00.000Z' },
      },
    })
    for (const id of [group, other.id]) expect(text).not.toContain(id)
  })

  it('has no group for a key without one', async () => {
    const answer = await send('GET', '/v1/usage', (await issueKey()).secret)
    expect(await answer.json()).not.toHaveProperty('group')
  })
})
