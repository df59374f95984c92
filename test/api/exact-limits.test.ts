/** Limits that a key's account keeps: exact for any number of isolates and callers, and a revocation holds at once. */
import { abortAllDurableObjects, evictDurableObject, reset, runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { LEASE_MS } from '../../src/accounts/book.ts'
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
import { usageAfter, usageOf } from '../support/usage.ts'

afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

const BODY = { ...HELLO, simulate: AT_ONCE }

function hold(secret: string): Promise<Response> {
  return complete(secret, { stream: true, simulate: { hang: 0 } })
}

function countOf(statuses: readonly number[], status: number): number {
  return statuses.filter((one) => one === status).length
}

async function statusesOf(calls: readonly Promise<Response>[]): Promise<number[]> {
  return (await Promise.all(calls)).map(({ status }) => status)
}

describe('requests per day', () => {
  it('are exact, though each of 140 requests comes to a new isolate ten minutes after the last', async () => {
    const startMs = Date.UTC(2027, 0, 5)
    vi.useFakeTimers({ now: startMs, toFake: ['Date'] })
    const key = await issueKey({ limits: { requestsPerDay: 10 } })
    const copy = await env.KV.get(`key:${key.id}`)
    const statuses: number[] = []
    for (let request = 0; request < 140; request++) {
      vi.setSystemTime(startMs + request * 600_000)
      const { status } = await isolate(() => Promise.resolve(copy))(
        'POST',
        '/v1/chat/completions',
        key.secret,
        BODY,
      )
      statuses.push(status)
    }
    expect(countOf(statuses, 200)).toBe(10)
    expect(countOf(statuses, 429)).toBe(130)
  }, 30_000)

  it('are refused with the time until midnight UTC, and not to be retried', async () => {
    vi.useFakeTimers({ now: Date.UTC(2027, 0, 5, 23), toFake: ['Date'] })
    const { secret } = await issueKey({ limits: { requestsPerDay: 1, requestsPerMinute: 50 } })
    expect((await complete(secret)).status).toBe(200)
    const refused = await complete(secret)
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([429, 'false'])
    expect(refused.headers.get('x-ratelimit-limit-requests')).toBe('1')
    expect(refused.headers.get('x-ratelimit-reset-requests')).toBe('1h0m0s')
    expect((await errorOf(refused)).message).toBe(
      'Rate limit reached for this key: Limit 1 requests per day, Used 1. Please try again in 1h0m0s.',
    )
    vi.setSystemTime(Date.UTC(2027, 0, 6))
    expect((await complete(secret)).status).toBe(200)
  })
})

describe('concurrent requests', () => {
  it('are exact for 64 callers at once, and a place is free again when a request ends', async () => {
    const key = await issueKey({ limits: { concurrentRequests: 5 } })
    const held = await Promise.all(Array.from({ length: 64 }, () => hold(key.secret)))
    expect(
      countOf(
        held.map(({ status }) => status),
        200,
      ),
    ).toBe(5)
    const refused = held.find(({ status }) => status === 429)
    expect(refused?.headers.get('retry-after')).toBe('1')
    expect(refused?.headers.get('x-gateway-remaining-concurrent-requests')).toBe('0')
    const [first, ...others] = held.filter(({ status }) => status === 200)
    await first?.body?.cancel()
    await usageAfter(key, 1)
    await vi.waitFor(async () => expect((await complete(key.secret)).status).toBe(200), { timeout: 3_000 })
    await leaveAll(others)
  })

  it('are free again when the lease of a lost isolate has ended, and the request is booked as estimated', async () => {
    const nowMs = Date.UTC(2027, 0, 5, 12)
    vi.useFakeTimers({ now: nowMs, toFake: ['Date'] })
    const key = await issueKey({ limits: { concurrentRequests: 1 } })
    const account = env.ACCOUNTS.getByName(key.id)
    // An isolate that admits and is killed.
    const expected = {
      promptTokens: 9,
      cachedTokens: 0,
      completionTokens: 9,
      reasoningTokens: 0,
      costMicroUsd: 50,
    }
    const request = { requestId: 'req_lost', model: 'o3-mini', worstMicroUsd: 99, expected, tokens: 9 }
    const copy = JSON.parse((await env.KV.get(`key:${key.id}`)) ?? '') as { secretSha256: string }
    await account.admit(key.id, { ...request, secretSha256: copy.secretSha256, defaultLimits: {} })
    expect((await complete(key.secret)).status).toBe(429)
    vi.setSystemTime(nowMs + LEASE_MS + 1)
    await runDurableObjectAlarm(account)
    expect((await usageOf(key)).total).toMatchObject({ requests: 1, estimated: 1, costUsd: 0.00005 })
    expect((await complete(key.secret)).status).toBe(200)
  })
})

describe('mode exact', () => {
  it('admits exactly the limit of a minute, for 64 callers at once in four isolates', async () => {
    vi.useFakeTimers({ now: Date.UTC(2027, 0, 5, 12), toFake: ['Date'], shouldAdvanceTime: true })
    const key = await issueKey({ limits: { requestsPerMinute: 20, mode: 'exact' } })
    const isolates = Array.from({ length: 4 }, () => isolate())
    const calls = Array.from({ length: 64 }, (_, at) =>
      (isolates[at % 4] ?? isolate())('POST', '/v1/chat/completions', key.secret, BODY),
    )
    expect(countOf(await statusesOf(calls), 200)).toBe(20)
    vi.setSystemTime(Date.UTC(2027, 0, 5, 12, 1, 30))
    expect((await complete(key.secret)).status).toBe(200)
  })

  it('says in its headers what each of many callers at once has left', async () => {
    const { secret } = await issueKey({ limits: { requestsPerMinute: 10, mode: 'exact' } })
    const answers = await Promise.all(Array.from({ length: 12 }, () => complete(secret)))
    const remaining = answers
      .filter(({ status }) => status === 200)
      .map(({ headers }) => Number(headers.get('x-ratelimit-remaining-requests')))
    expect(remaining.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    for (const refused of answers.filter(({ status }) => status === 429)) {
      expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0')
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50)
    }
  })

  it('counts the tokens of an answer in place of those that were reserved', async () => {
    const { id, secret } = await issueKey({ limits: { tokensPerMinute: 10_000, mode: 'exact' } })
    const usage = { prompt_tokens: 3_000, completion_tokens: 6_000 }
    await complete(secret, { simulate: { ...AT_ONCE, usage } })
    await usageAfter({ id }, 1)
    const refused = await complete(secret, { max_completion_tokens: 5_000 })
    expect([refused.status, (await errorOf(refused)).type]).toEqual([429, 'tokens'])
    const tooLarge = await complete(secret, {
      messages: [{ role: 'user', content: 'word '.repeat(12_000) }],
    })
    expect([tooLarge.status, tooLarge.headers.get('x-should-retry')]).toEqual([429, 'false'])
  })

  it('lets a refused flood reach the account once', async () => {
    const { id, secret } = await issueKey({ limits: { requestsPerMinute: 1, mode: 'exact' } })
    await complete(secret)
    await usageAfter({ id }, 1)
    expect((await complete(secret)).status).toBe(429)
    const calls = vi.spyOn(env.ACCOUNTS, 'getByName')
    const statuses = await statusesOf(Array.from({ length: 50 }, () => complete(secret)))
    const callsOfKey = calls.mock.calls.filter(([name]) => name === id)
    // One report tells the account of all of them.
    expect(countOf(statuses, 429)).toBe(50)
    expect(callsOfKey.length).toBeLessThanOrEqual(1)
  })
})

describe('a revocation of a key that its account admits', () => {
  it.each<[string, (id: string) => Promise<Response>]>([
    ['disabling', (id) => send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, { disabled: true })],
    ['rotation', (id) => send('POST', `/admin/keys/${id}/rotate`, ADMIN_TOKEN)],
    ['deletion', (id) => send('DELETE', `/admin/keys/${id}`, ADMIN_TOKEN)],
  ])('holds at once in an isolate that has an old copy: %s', async (_what, revoke) => {
    const key = await issueKey({ limits: { requestsPerDay: 100 } })
    const copy = await env.KV.get(`key:${key.id}`)
    const elsewhere = isolate(() => Promise.resolve(copy))
    const post = () => elsewhere('POST', '/v1/chat/completions', key.secret, BODY)
    expect((await post()).status).toBe(200)
    await revoke(key.id)
    const refused = await post()
    expect([refused.status, (await errorOf(refused)).code]).toEqual([401, 'invalid_api_key'])
    // The isolate has learnt it, so that it asks no more.
    expect((await elsewhere('GET', '/v1/models', key.secret)).status).toBe(401)
  })

  it('of the old secret leaves the new one its place', async () => {
    const key = await issueKey({ limits: { requestsPerDay: 100 } })
    const rotated = await send('POST', `/admin/keys/${key.id}/rotate`, ADMIN_TOKEN, { graceSeconds: 60 })
    const { secret } = await rotated.json<{ secret: string }>()
    expect([(await complete(key.secret)).status, (await complete(secret)).status]).toEqual([200, 200])
  })
})

describe('a limit of the operator', () => {
  it('that is raised at the account holds at once, although the copy is old', async () => {
    const key = await issueKey({ limits: { requestsPerDay: 1 } })
    const copy = await env.KV.get(`key:${key.id}`)
    const elsewhere = isolate(() => Promise.resolve(copy))
    const post = async () => (await elsewhere('POST', '/v1/chat/completions', key.secret, BODY)).status
    await send('PATCH', `/admin/keys/${key.id}`, ADMIN_TOKEN, { limits: { requestsPerDay: 2 } })
    expect([await post(), await post(), await post()]).toEqual([200, 200, 429])
  })
})

describe('an account that restarts', () => {
  it.each([
    ['is evicted', (key: { id: string }) => evictDurableObject(env.ACCOUNTS.getByName(key.id))],
    ['is reset, as by a deployment', () => abortAllDurableObjects()],
  ])('and %s while requests are under way keeps their places and their bills', async (_how, restart) => {
    const key = await issueKey({ limits: { concurrentRequests: 2, requestsPerDay: 3 } })
    const held = [await hold(key.secret), await hold(key.secret)]
    await restart(key)
    expect((await complete(key.secret)).status).toBe(429)
    await leaveAll(held)
    await usageAfter(key, 2)
    await vi.waitFor(async () => expect((await complete(key.secret)).status).toBe(200), { timeout: 3_000 })
    expect((await complete(key.secret)).status).toBe(429)
  })
})

describe('where the account acts and its answer is lost', () => {
  /** The account carries out its next call of this method, and its answer does not arrive. Later calls arrive. */
  function loseAnswerOf(method: 'settle' | 'admit') {
    const getByName = env.ACCOUNTS.getByName.bind(env.ACCOUNTS)
    let isLost = false
    const loseOnce = async (name: string, call: PromiseLike<unknown>): Promise<unknown> => {
      const answer = await call
      if (isLost || name !== method) return answer
      isLost = true
      throw new Error('connection lost')
    }
    return vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation((...args) => {
      const stub = getByName(...args)
      const admit = (...given: Parameters<typeof stub.admit>) => loseOnce('admit', stub.admit(...given))
      const settle = (...given: Parameters<typeof stub.settle>) => loseOnce('settle', stub.settle(...given))
      return { admit, settle } as never
    })
  }

  it('a settlement is sent again, and counts once', async () => {
    const key = await issueKey()
    const calls = loseAnswerOf('settle')
    await complete(key.secret)
    await vi.waitFor(async () => expect(calls.mock.calls.length).toBeGreaterThanOrEqual(2), 3_000)
    vi.restoreAllMocks()
    expect((await usageAfter(key, 1)).total.requests).toBe(1)
  })

  it('an admission goes on by the isolate, and counts once', async () => {
    const key = await issueKey({ limits: { requestsPerDay: 2 } })
    loseAnswerOf('admit')
    expect((await complete(key.secret)).status).toBe(200)
    vi.restoreAllMocks()
    await usageAfter(key, 1)
    vi.useFakeTimers({ now: Date.now() + 2_000, toFake: ['Date'], shouldAdvanceTime: true })
    expect([(await complete(key.secret)).status, (await complete(key.secret)).status]).toEqual([200, 429])
  })
})

describe('while the account hangs', () => {
  it('a day limit is counted by the isolate after a second, and money waits', async () => {
    const [daily, rich] = [
      await issueKey({ limits: { requestsPerDay: 2 } }),
      await issueKey({ limits: { budget: { usd: 1, period: 'day' } } }),
    ]
    vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation(
      () => ({ admit: () => new Promise(() => undefined), settle: async () => undefined }) as never,
    )
    const statuses: number[] = []
    for (let request = 0; request < 3; request++) statuses.push((await complete(daily.secret)).status)
    expect([...statuses, (await complete(rich.secret)).status]).toEqual([200, 200, 429, 503])
  })
})

describe('a request of a key without exact limits', () => {
  it('waits for no account, and writes nothing to KV', async () => {
    const key = await issueKey({ limits: { requestsPerMinute: 5 } })
    await complete(key.secret)
    await usageAfter(key, 1)
    const [puts, lists] = [vi.spyOn(env.KV, 'put'), vi.spyOn(env.KV, 'list')]
    const free = await issueKey()
    puts.mockClear()
    for (let request = 0; request < 5; request++) await complete(free.secret)
    await usageAfter(free, 5)
    expect([puts.mock.calls, lists.mock.calls]).toEqual([[], []])
  })
})
