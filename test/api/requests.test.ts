/** What the operator and a key's holder can learn of single requests. */
import { reset, runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  ADMIN_TOKEN,
  AT_ONCE,
  complete,
  env,
  type IssuedKey,
  issueKey,
  leaveAll,
  respond,
  send,
} from '../support/gateway.ts'
import { usageAfter, usageOf } from '../support/usage.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2027, 0, 5, 12), toFake: ['Date'], shouldAdvanceTime: true })
})

afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

const idOf = (response: Response): string => response.headers.get('x-request-id') ?? ''

async function explain(id: string): Promise<Record<string, unknown>> {
  const response = await send('GET', `/admin/requests/${id}`, ADMIN_TOKEN)
  return { httpStatus: response.status, ...(await response.json<object>()) }
}

/** What is known of a request, once it is known. */
async function explained(id: string, state: string): Promise<Record<string, unknown>> {
  return vi.waitFor(
    async () => {
      const known = await explain(id)
      expect(known).toMatchObject({ httpStatus: 200, state })
      return known
    },
    { timeout: 5_000, interval: 20 },
  )
}

async function list({ id }: IssuedKey): Promise<{ id: string; state: string }[]> {
  const response = await send('GET', `/admin/keys/${id}/requests`, ADMIN_TOKEN)
  return (await response.json<{ data: { id: string; state: string }[] }>()).data
}

describe('a request', () => {
  it.each([
    ['that its isolate admitted', {}, 'isolate'],
    ['that its account admitted', { requestsPerDay: 9 }, 'account'],
  ])('%s is known by its id, with its usage, cost and times', async (_, limits, admittedBy) => {
    const key = await issueKey({ limits })
    const id = idOf(await complete(key.secret))
    expect(await explained(id, 'settled')).toMatchObject({
      keyId: key.id,
      id,
      at: expect.stringMatching(/^2027-01-05T12:00:0.+Z$/),
      model: 'o3-mini',
      admittedBy,
      status: 200,
      reason: null,
      firstOutputMs: null,
      durationMs: expect.any(Number),
      logId: expect.any(String),
      promptTokens: expect.any(Number),
      costUsd: expect.any(Number),
      certainty: 'exact',
    })
  })

  it('tells when a stream began to answer', async () => {
    const key = await issueKey({ limits: { tokensPerMinute: 100_000 } })
    const response = await respond(key.secret, { stream: true })
    await response.text()
    const known = await explained(idOf(response), 'settled')
    expect(known).toMatchObject({ status: 200, certainty: 'exact' })
    expect(known['firstOutputMs']).toBeLessThanOrEqual(Number(known['durationMs']))
  })

  it('tells why the upstream failed it', async () => {
    const key = await issueKey()
    const simulate = { ...AT_ONCE, error: { shape: 'cloudflare_errors', status: 429, code: 3040 } }
    const known = await explained(idOf(await complete(key.secret, { simulate })), 'settled')
    expect(known).toMatchObject({ status: 429, reason: expect.stringContaining('busy'), costUsd: 0 })
  })

  it('tells which limit refused it, with its figures', async () => {
    const key = await issueKey({ limits: { requestsPerMinute: 1 } })
    await complete(key.secret)
    const id = idOf(await complete(key.secret))
    expect(await explained(id, 'refused')).toMatchObject({
      status: 429,
      code: 'rate_limit_exceeded',
      limit: { name: 'requests', limit: 1, used: 1 },
    })
  })

  it('tells which parameter’s error refused it, without a word of the caller', async () => {
    const key = await issueKey()
    const id = idOf(await complete(key.secret, { messages: 'a secret' }))
    const known = await explained(id, 'refused')
    expect(known).toMatchObject({ status: 400, limit: null })
    expect(JSON.stringify(known)).not.toContain('secret')
  })

  it('is shown while it is under way, with what it can cost', async () => {
    const key = await issueKey({ limits: { budget: { usd: 10, period: 'day' } } })
    const simulate = { ...AT_ONCE, chunks: 20, hang: 3 }
    const stream = await complete(key.secret, { stream: true, simulate })
    expect(await explained(idOf(stream), 'under_way')).toMatchObject({ worstCaseUsd: expect.any(Number) })
    await leaveAll([stream])
    expect(await explained(idOf(stream), 'settled')).toMatchObject({ reason: 'client_closed' })
  })

  it('has its true cost once AI Gateway’s log has spoken', async () => {
    const key = await issueKey()
    const log = { entry: { tokens_in: 1_000, tokens_out: 5_000 } }
    const stream = await complete(key.secret, { stream: true, simulate: { ...AT_ONCE, hang: 2, log } })
    await leaveAll([stream])
    expect(await explained(idOf(stream), 'settled')).toMatchObject({ certainty: 'pending' })
    vi.setSystemTime(Date.now() + 5_000)
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(key.id))
    expect(await explain(idOf(stream))).toMatchObject({ certainty: 'exact', costUsd: 0.0231 })
  })

  it('that nobody knows is a 404, and no id of it makes an object', async () => {
    const unknown = 'req_0123456789abcdef0123456789abcdef'
    for (const id of [unknown, 'req_1', 'x'.repeat(500), '%00']) {
      expect(await explain(id)).toMatchObject({
        httpStatus: 404,
        error: { code: 'request_not_found', param: 'id' },
      })
    }
    const key = await issueKey()
    expect(await explain(`req_${key.id}${'0'.repeat(20)}`)).toMatchObject({ httpStatus: 404 })
  })
})

describe('the last requests of a key', () => {
  it('are listed, the newest first, to the operator and the holder alike, of a deleted key too', async () => {
    const key = await issueKey({ limits: { requestsPerMinute: 2 } })
    const ids: string[] = []
    for (let at = 0; at < 3; at++) {
      ids.unshift(idOf(await complete(key.secret)))
      vi.setSystemTime(Date.now() + 10)
    }
    await vi.waitFor(async () => expect((await list(key)).map(({ id }) => id)).toEqual(ids), {
      timeout: 5_000,
    })
    expect((await list(key)).map(({ state }) => state)).toEqual(['refused', 'settled', 'settled'])
    const own = await send('GET', '/v1/usage/requests', key.secret)
    expect([own.status, own.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect((await own.json<{ data: unknown }>()).data).toEqual(await list(key))
    await send('DELETE', `/admin/keys/${key.id}`, ADMIN_TOKEN)
    expect(await list(key)).toHaveLength(3)
  })

  it('are no one else’s, and no more than 60 questions a minute', async () => {
    const [key, other] = [await issueKey(), await issueKey()]
    await complete(key.secret)
    await usageAfter(key, 1)
    const asked = await send('GET', '/v1/usage/requests', other.secret)
    expect(await asked.json()).toEqual({ data: [] })
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => send('GET', '/v1/usage/requests', other.secret)),
    )
    expect(answers.map(({ status }) => status).filter((status) => status === 429)).toHaveLength(1)
  })
})

describe('refusals of a key', () => {
  it('are counted in its usage by day, in the directory’s too, and in none by model', async () => {
    const key = await issueKey({ limits: { requestsPerMinute: 1 } })
    for (let at = 0; at < 3; at++) await complete(key.secret)
    // A report of refusals can come a second after the settlement.
    await usageAfter(key, 1)
    vi.setSystemTime(Date.now() + 20_000)
    const usage = await vi.waitFor(
      async () => {
        const known = await usageOf(key)
        expect(known.total).toMatchObject({ requests: 1, refused: 2 })
        return known
      },
      { timeout: 5_000 },
    )
    expect(usage.models).toMatchObject([{ model: 'o3-mini', refused: 0 }])
    expect(usage.days.at(-1)).toMatchObject({ refused: 2, models: [{ model: 'o3-mini' }] })
    vi.setSystemTime(Date.now() + 60_000)
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(key.id))
    const by = async (grouping: string): Promise<unknown> =>
      (await send('GET', `/admin/usage?by=${grouping}`, ADMIN_TOKEN)).json()
    expect(await by('key')).toMatchObject({ data: [{ id: key.id, refused: 2 }], total: { refused: 2 } })
    expect(await by('model')).toMatchObject({
      data: [{ model: 'o3-mini', refused: 0 }],
      total: { refused: 2 },
    })
  })
})

describe('the minutes of a key', () => {
  it('have what was asked for and what a limit refused', async () => {
    const key = await issueKey({ limits: { requestsPerMinute: 2 } })
    await complete(key.secret, { messages: 1 })
    for (let at = 0; at < 5; at++) await complete(key.secret)
    await usageAfter(key, 2)
    // A report of refusals can come a second after the settlement.
    vi.setSystemTime(Date.now() + 20_000)
    await vi.waitFor(
      async () => {
        const response = await send('GET', `/admin/keys/${key.id}/minutes`, ADMIN_TOKEN)
        expect(await response.json()).toEqual({
          id: key.id,
          data: [
            {
              minute: '2027-01-05T12:00:00.000Z',
              requests: 2,
              refused: 3,
              tokens: expect.any(Number),
              costUsd: expect.any(Number),
            },
          ],
        })
      },
      { timeout: 5_000 },
    )
  })
})
