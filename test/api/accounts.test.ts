/** Keys through their accounts: an operator's change to a key holds, whatever KV or another isolate has cached. */
import {
  abortAllDurableObjects,
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { NO_USAGE } from '../../src/accounts/ledger.ts'
import type { UsageRow } from '../../src/accounts/usage-protocol.ts'
import { KEY_FRESH_MS } from '../../src/keys/key-store.ts'
import { TOMBSTONE_TTL_SECONDS } from '../../src/keys/key-copy.ts'
import { createSecret, hashSecret } from '../../src/keys/secret.ts'
import { linesOf, recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, complete, env, errorOf, issueKey, type IssuedKey, send } from '../support/gateway.ts'
import { isolate, type Send } from '../support/isolate.ts'

afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

interface View {
  id: string
  name: string
  disabled: boolean
  limits: object
  todayCostUsd: number
  deletedAt?: string
}

async function status(from: Send, { secret }: { secret: string }): Promise<number> {
  return (await from('GET', '/v1/models', secret)).status
}

function account({ id }: { id: string }) {
  return env.ACCOUNTS.getByName(id)
}

async function copyOf({ id }: { id: string }): Promise<Record<string, unknown> | null> {
  return env.KV.get(`key:${id}`, 'json')
}

/** A record in the form of version 0.1. */
async function writeLegacyRecord(overrides: object = {}): Promise<IssuedKey> {
  const { id, secret } = createSecret()
  const view = {
    id,
    name: 'old',
    createdAt: '2026-01-01T00:00:00Z',
    expiresAt: null,
    disabled: false,
    limits: {},
  }
  const record = { ...view, secretSha256: await hashSecret(secret), previous: null, ...overrides }
  await env.KV.put(`key:${id}`, JSON.stringify(record), { metadata: view })
  return { id, secret }
}

function failPuts() {
  return vi.spyOn(env.KV, 'put').mockRejectedValue(new Error('KV PUT failed: 500'))
}

async function list(query = ''): Promise<{ data: View[]; nextCursor: string | null }> {
  const response = await send('GET', `/admin/keys${query}`, ADMIN_TOKEN)
  expect(response.status).toBe(200)
  return response.json()
}

async function listAll(query: string): Promise<View[]> {
  const first = await list(query)
  const seen = [...first.data]
  for (let cursor = first.nextCursor; cursor !== null;) {
    const page = await list(`${query}&cursor=${cursor}`)
    seen.push(...page.data)
    cursor = page.nextCursor
  }
  return seen
}

describe('a change', () => {
  const ACTS: [string, (key: IssuedKey) => Promise<Response>][] = [
    ['disabling', ({ id }) => send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, { disabled: true })],
    ['rotation', ({ id }) => send('POST', `/admin/keys/${id}/rotate`, ADMIN_TOKEN)],
    ['deletion', ({ id }) => send('DELETE', `/admin/keys/${id}`, ADMIN_TOKEN)],
  ]

  it.each(ACTS)(
    'by one isolate cannot be undone by another isolate with an old copy: %s',
    async (what, act) => {
      const key = await issueKey()
      const old = await env.KV.get(`key:${key.id}`)
      const elsewhere = isolate(() => Promise.resolve(old))
      expect(await status(elsewhere, key)).toBe(200)
      expect((await act(key)).status).toBe(200)
      const renamed = await elsewhere('PATCH', `/admin/keys/${key.id}`, ADMIN_TOKEN, { name: 'renamed' })
      expect(renamed.status).toBe(what === 'deletion' ? 404 : 200)
      await scheduler.wait(1_100)
      await runDurableObjectAlarm(account(key))
      expect([await status(send, key), await status(elsewhere, key), await status(isolate(), key)]).toEqual([
        401, 401, 401,
      ])
    },
  )

  it('and a parallel change of another field both survive', async () => {
    const { id } = await issueKey({ limits: { requestsPerMinute: 5 } })
    const patches = [
      { name: 'renamed' },
      { disabled: true },
      { expiresAt: '2099-01-01T00:00:00Z' },
      { limits: { requestsPerDay: 100 } },
      { limits: { tokensPerMinute: 7 } },
      { limits: { requestsPerMinute: null } },
    ]
    await Promise.all(patches.map((body) => isolate()('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, body)))
    expect(await (await send('GET', `/admin/keys/${id}`, ADMIN_TOKEN)).json()).toMatchObject({
      name: 'renamed',
      disabled: true,
      expiresAt: '2099-01-01T00:00:00Z',
      limits: { requestsPerDay: 100, tokensPerMinute: 7 },
    })
  })

  it('races with changes by another isolate on every route, and all of them survive', async () => {
    const key = await issueKey()
    const elsewhere = isolate()
    const patch = (from: Send, body: object) => from('PATCH', `/admin/keys/${key.id}`, ADMIN_TOKEN, body)
    const answers = await Promise.all([
      patch(send, { name: 'renamed' }),
      patch(elsewhere, { limits: { requestsPerDay: 7 } }),
      send('POST', `/admin/keys/${key.id}/rotate`, ADMIN_TOKEN),
      patch(elsewhere, { limits: { budget: { usd: 3, period: 'day' } } }),
      elsewhere('POST', `/admin/keys/${key.id}/rotate`, ADMIN_TOKEN, {}),
      patch(send, { disabled: true }),
    ])
    expect(answers.map(({ status: one }) => one)).toEqual([200, 200, 200, 200, 200, 200])
    expect(await (await send('GET', `/admin/keys/${key.id}`, ADMIN_TOKEN)).json()).toMatchObject({
      name: 'renamed',
      disabled: true,
      limits: { requestsPerDay: 7, budget: { usd: 3, period: 'day' } },
    })
    const deletions = await Promise.all(
      [send, elsewhere].map((from) => from('DELETE', `/admin/keys/${key.id}`, ADMIN_TOKEN)),
    )
    expect(deletions.map(({ status: one }) => one).toSorted((one, other) => one - other)).toEqual([200, 404])
    expect((await patch(elsewhere, { disabled: false })).status).toBe(404)
  })

  it('still holds here while KV returns the previous copy', async () => {
    const key = await issueKey()
    const old = await env.KV.get(`key:${key.id}`)
    const here = isolate(() => Promise.resolve(old))
    await here('PATCH', `/admin/keys/${key.id}`, ADMIN_TOKEN, { disabled: true })
    vi.useFakeTimers({ now: Date.now() + KEY_FRESH_MS, toFake: ['Date'] })
    expect(await status(here, key)).toBe(401)
  })

  it('is put to KV at most once a second, and the last change wins', async () => {
    const put = vi.spyOn(env.KV, 'put')
    const key = await issueKey()
    for (const name of ['b', 'c', 'd']) await send('PATCH', `/admin/keys/${key.id}`, ADMIN_TOKEN, { name })
    expect(put).toHaveBeenCalledTimes(1)
    await vi.waitFor(async () => expect(await copyOf(key)).toMatchObject({ name: 'd', version: 4 }), 3_000)
    expect(put).toHaveBeenCalledTimes(2)
  })

  it('of a deleted key is a 404, and so is another deletion', async () => {
    const { id } = await issueKey()
    await send('DELETE', `/admin/keys/${id}`, ADMIN_TOKEN)
    const answers = [
      await send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, { name: 'x' }),
      await send('POST', `/admin/keys/${id}/rotate`, ADMIN_TOKEN),
      await send('DELETE', `/admin/keys/${id}`, ADMIN_TOKEN),
      await send('GET', `/admin/keys/${id}`, ADMIN_TOKEN),
    ]
    expect(answers.map((answer) => answer.status)).toEqual([404, 404, 404, 404])
  })
})

describe('the copy in KV', () => {
  it('is written by a later alarm if its put failed, and the key works meanwhile', async () => {
    const log = recordLog()
    const put = failPuts()
    const key = await issueKey()
    expect([await status(send, key), await status(isolate(), key)]).toEqual([200, 200])
    expect((await list()).data.map(({ id }) => id)).toEqual([key.id])
    expect(await runDurableObjectAlarm(account(key))).toBe(true)
    expect(await copyOf(key)).toBeNull()
    put.mockRestore()
    await vi.waitFor(async () => expect(await copyOf(key)).toMatchObject({ id: key.id, version: 1 }), 5_000)
    await vi.waitFor(async () => expect(await runDurableObjectAlarm(account(key))).toBe(false))
    expect(linesOf(log, 'trouble')).toMatchObject([{ what: 'publish_kv', keyId: key.id }])
  })

  it('of a deleted key is a tombstone for 30 days', async () => {
    const key = await issueKey()
    const put = vi.spyOn(env.KV, 'put')
    vi.useFakeTimers({ now: Date.now() + 2_000, toFake: ['Date'] })
    await send('DELETE', `/admin/keys/${key.id}`, ADMIN_TOKEN)
    expect(put.mock.calls[0]?.[2]).toEqual({ expirationTtl: TOMBSTONE_TTL_SECONDS })
    expect(await copyOf(key)).toEqual({ id: key.id, version: 2, deletedAt: expect.any(String) })
    const askAccount = vi.spyOn(env.ACCOUNTS, 'getByName')
    expect(await status(isolate(), key)).toBe(401)
    expect(askAccount).not.toHaveBeenCalled()
  })

  it('delays the operator by two seconds if its put hangs', { timeout: 15_000 }, async () => {
    const key = await issueKey()
    await scheduler.wait(1_000)
    vi.spyOn(env.KV, 'put').mockImplementation(() => new Promise(() => undefined))
    const startMs = Date.now()
    const response = await send('PATCH', `/admin/keys/${key.id}`, ADMIN_TOKEN, { disabled: true })
    expect(response.status).toBe(200)
    expect(Date.now() - startMs).toBeLessThan(4_000)
    expect(await status(send, key)).toBe(401)
  })

  it('is written after a restart between the change and the put', async () => {
    const key = await issueKey()
    vi.useFakeTimers({ now: Date.now() + 2_000, toFake: ['Date'] })
    const put = vi.spyOn(env.KV, 'put').mockImplementation(() => new Promise(() => undefined))
    const answer = send('PATCH', `/admin/keys/${key.id}`, ADMIN_TOKEN, { disabled: true })
    await vi.waitFor(() => expect(put).toHaveBeenCalled())
    await abortAllDurableObjects()
    await answer.catch(() => undefined)
    put.mockRestore()
    expect(await copyOf(key)).toMatchObject({ version: 1, disabled: false })
    expect(await runDurableObjectAlarm(account(key))).toBe(true)
    expect(await copyOf(key)).toMatchObject({ version: 2, disabled: true })
  })

  it('is written after an eviction between two attempts', async () => {
    const put = failPuts()
    const key = await issueKey()
    await evictDurableObject(account(key))
    put.mockRestore()
    vi.useFakeTimers({ now: Date.now() + 1_000, toFake: ['Date'] })
    await runDurableObjectAlarm(account(key))
    expect(await copyOf(key)).toMatchObject({ version: 1 })
    expect(await status(isolate(), key)).toBe(200)
  })
})

describe('a record of version 0.1', () => {
  it('keeps working, and its account adopts it', async () => {
    const key = await writeLegacyRecord()
    expect(await status(isolate(), key)).toBe(200)
    await vi.waitFor(async () => expect(await copyOf(key)).toMatchObject({ name: 'old', version: 1 }), 3_000)
    await vi.waitFor(async () => expect((await list()).data).toMatchObject([{ id: key.id, name: 'old' }]))
  })

  it('can be changed, rotated and deleted before its first use', async () => {
    const keys = [await writeLegacyRecord(), await writeLegacyRecord(), await writeLegacyRecord()] as const
    const answers = [
      await send('PATCH', `/admin/keys/${keys[0].id}`, ADMIN_TOKEN, { disabled: true }),
      await send('POST', `/admin/keys/${keys[1].id}/rotate`, ADMIN_TOKEN),
      await send('DELETE', `/admin/keys/${keys[2].id}`, ADMIN_TOKEN),
    ]
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200])
    expect(await Promise.all(keys.map((key) => status(send, key)))).toEqual([401, 401, 401])
    expect(await Promise.all(keys.map(async (key) => (await account(key).read(key.id, false)).kind))).toEqual(
      ['found', 'found', 'deleted'],
    )
  })

  it('is not restored by an old copy after its deletion', async () => {
    const key = await writeLegacyRecord()
    const old = await env.KV.get(`key:${key.id}`)
    await send('DELETE', `/admin/keys/${key.id}`, ADMIN_TOKEN)
    await env.KV.put(`key:${key.id}`, String(old))
    expect((await account(key).read(key.id, false)).kind).toBe('deleted')
    expect((await send('GET', `/admin/keys/${key.id}`, ADMIN_TOKEN)).status).toBe(404)
  })
})

describe('an account', () => {
  it('serves a key that this isolate has not cached while KV is down', async () => {
    const [key, disabled] = [await issueKey(), await issueKey()]
    await send('PATCH', `/admin/keys/${disabled.id}`, ADMIN_TOKEN, { disabled: true })
    const elsewhere = isolate(() => Promise.reject(new Error('KV GET failed: 500')))
    expect([await status(elsewhere, key), await status(elsewhere, disabled)]).toEqual([200, 401])
  })

  it('that fails together with KV is a 503 with retry-after for an uncached key', async () => {
    const key = await issueKey()
    vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation(() => {
      throw new Error('internal error')
    })
    const elsewhere = isolate(() => Promise.reject(new Error('KV GET failed: 500')))
    const response = await elsewhere('GET', '/v1/models', key.secret)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await errorOf(response)).code).toBe('keys_unavailable')
  })

  it('of an unknown key stores nothing', async () => {
    const made = createSecret()
    expect((await complete(made.secret)).status).toBe(401)
    const tables = await runInDurableObject(account(made), (_instance, { storage }) =>
      storage.sql.exec('SELECT name FROM sqlite_master').toArray(),
    )
    expect(tables).toEqual([])
  })

  it('has its key after an eviction', async () => {
    const key = await issueKey({ name: 'kept', limits: { requestsPerMinute: 5 } })
    await evictDurableObject(account(key))
    expect(await (await send('GET', `/admin/keys/${key.id}`, ADMIN_TOKEN)).json()).toMatchObject({
      name: 'kept',
      limits: { requestsPerMinute: 5 },
    })
  })
})

describe('the list', () => {
  async function issueFour(): Promise<void> {
    await issueKey({ name: 'Alice' })
    const disabled = await issueKey({ name: 'bob' })
    await send('PATCH', `/admin/keys/${disabled.id}`, ADMIN_TOKEN, { disabled: true })
    await issueKey({ name: 'alfred', expiresAt: new Date(Date.now() + 60_000).toISOString() })
    const deleted = await issueKey({ name: 'álvaro' })
    await send('DELETE', `/admin/keys/${deleted.id}`, ADMIN_TOKEN)
    vi.useFakeTimers({ now: Date.now() + 120_000, toFake: ['Date'] })
  }

  it('filters by state and by name prefix, and leaves out deleted keys by default', async () => {
    await issueFour()
    const names = async (query: string) => (await list(query)).data.map(({ name }) => name)
    expect(await names('')).toEqual(['Alice', 'bob', 'alfred'])
    expect(await names('?sort=name')).toEqual(['alfred', 'Alice', 'bob'])
    expect(await names('?name=AL&sort=name')).toEqual(['alfred', 'Alice'])
    expect(await names('?name=AL&sort=name&state=active')).toEqual(['Alice'])
    expect(await names('?state=active')).toEqual(['Alice'])
    expect(await names('?state=disabled')).toEqual(['bob'])
    expect(await names('?state=expired')).toEqual(['alfred'])
    expect(await names('?state=deleted')).toEqual(['álvaro'])
    expect((await list('?state=deleted')).data[0]?.deletedAt).toEqual(expect.any(String))
    expect(JSON.stringify(await list())).not.toContain('Sha256')
  })

  it.each(['created', 'name'])('pages by %s, including keys with equal values', async (sort) => {
    vi.useFakeTimers({ now: Date.now(), toFake: ['Date'] })
    const names = ['b', 'a', 'b', 'b', 'a', 'B']
    for (const name of names) await issueKey({ name })
    const seen = await listAll(`?limit=2&sort=${sort}`)
    expect(new Set(seen.map(({ id }) => id)).size).toBe(6)
    if (sort === 'name') expect(seen.map(({ name }) => name.toLowerCase()).join('')).toBe('aabbbb')
  })

  it('sorts by the cost of today, dearest first, with equal costs by id, and shows it', async () => {
    vi.useFakeTimers({ now: Date.parse('2027-01-05T12:00:00Z'), toFake: ['Date'] })
    const keys = []
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) keys.push(await issueKey({ name }))
    const ids = keys.map(({ id }) => id).toSorted()
    const rowOf = (date: string, model: string, costMicroUsd: number) => ({
      ...NO_USAGE,
      date,
      model,
      costMicroUsd,
    })
    const costs: [number, UsageRow[]][] = [
      [1, [rowOf('2027-01-05', 'a', 2_000_000), rowOf('2027-01-05', 'b', 500_000)]],
      [3, [rowOf('2027-01-05', 'a', 7)]],
      [4, [rowOf('2027-01-04', 'a', 9_000_000)]],
      [5, [rowOf('2027-01-05', 'a', 7)]],
    ]
    for (const [at, rows] of costs)
      await env.DIRECTORY.getByName('directory-1').reportUsage({ keyId: ids[at] ?? '', revision: 1, rows })
    const expected = [1, 3, 5, 0, 2, 4].map((at) => ids[at])
    const expectedUsd = [2.5, 0.000007, 0.000007, 0, 0, 0]
    const { data } = await list('?sort=cost')
    expect(data.map(({ id }) => id)).toEqual(expected)
    expect(data.map(({ todayCostUsd }) => todayCostUsd)).toEqual(expectedUsd)
    expect((await listAll('?limit=1&sort=cost')).map(({ id }) => id)).toEqual(expected)
    expect((await listAll('?limit=4&sort=cost')).map(({ id }) => id)).toEqual(expected)
    const byName = await list('?sort=name')
    const usdById = Object.fromEntries(expected.map((id, at) => [id, expectedUsd[at]]))
    expect(byName.data.map(({ todayCostUsd }) => todayCostUsd)).toEqual(
      byName.data.map(({ id }) => usdById[id]),
    )
  })

  it('names the invalid parameter', async () => {
    await issueKey()
    await issueKey()
    const { nextCursor } = await list('?limit=1')
    for (const [query, param] of [
      ['state=gone', 'state'],
      ['sort=age', 'sort'],
      [`name=${'x'.repeat(101)}`, 'name'],
      ['limit=1001', 'limit'],
      ['cursor=x', 'cursor'],
      [`cursor=${String(nextCursor)}&sort=name`, 'cursor'],
      [`cursor=${String(nextCursor)}&sort=cost`, 'cursor'],
    ]) {
      const response = await send('GET', `/admin/keys?${query}`, ADMIN_TOKEN)
      expect([response.status, (await errorOf(response)).param]).toEqual([400, param])
    }
  })

  it('shows a key whose report failed as soon as its account has reported it', async () => {
    const getByName = vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation(() => {
      throw new Error('internal error')
    })
    const key = await issueKey({ name: 'late' })
    expect((await send('GET', '/admin/keys', ADMIN_TOKEN)).status).toBe(503)
    getByName.mockRestore()
    expect((await list()).data).toEqual([])
    vi.useFakeTimers({ now: Date.now() + 1_000, toFake: ['Date'] })
    await runDurableObjectAlarm(account(key))
    expect((await list()).data).toMatchObject([{ name: 'late' }])
  })
})
