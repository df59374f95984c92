/** The operator's questions about all keys. Most of these tests give an account's report to the directory themselves. */
import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { OLDER_DATE } from '../../src/accounts/book-usage.ts'
import { NO_USAGE, sumOf } from '../../src/accounts/ledger.ts'
import type { KeyReport } from '../../src/accounts/key-list.ts'
import type { UsageReport, UsageRow, UsageTotals } from '../../src/accounts/usage-protocol.ts'
import { type ShownTotals, shownTotals } from '../../src/accounts/usage-report.ts'
import { DAY_MS } from '../../src/calendar.ts'
import { createSecret, hashSecret } from '../../src/keys/secret.ts'
import { withoutReadyKey } from '../support/clean-state.ts'
import { linesOf, recordLog } from '../support/console.ts'
import {
  ADMIN_TOKEN,
  AT_ONCE,
  complete,
  env,
  errorOf,
  issueKey,
  type IssuedKey,
  send,
} from '../support/gateway.ts'
import { usageAfter } from '../support/usage.ts'

const TODAY = '2027-01-05'

withoutReadyKey()

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(`${TODAY}T12:00:00Z`), toFake: ['Date'] })
})

afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

type Row = ShownTotals & {
  date?: string
  id?: string
  name?: string | null
  model?: string
  deletedAt?: string
}
interface Page {
  from: string
  to: string
  by: string
  data: Row[]
  total: ShownTotals
  nextCursor: string | null
}

function directory() {
  return env.DIRECTORY.getByName('directory-1')
}

function report(keyId: string, revision: number, ...rows: (Partial<UsageRow> | UsageRow)[]): Promise<void> {
  const all = rows.map((row) => ({ ...NO_USAGE, date: TODAY, model: 'o3-mini', ...row }))
  return directory().reportUsage({ keyId, revision, rows: all })
}

async function usage(query = ''): Promise<Page> {
  const response = await send('GET', `/admin/usage${query}`, ADMIN_TOKEN)
  expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
  return response.json()
}

/** Reads every page. Each page has the total of the whole range. */
async function allPages(query: string): Promise<Page> {
  const first = await usage(query)
  const data = [...first.data]
  for (let cursor = first.nextCursor; cursor !== null;) {
    const page = await usage(`${query}&cursor=${cursor}`)
    expect(page.total).toEqual(first.total)
    data.push(...page.data)
    cursor = page.nextCursor
  }
  return { ...first, data }
}

const EVERY_NUMBER: UsageTotals = {
  requests: 10,
  failures: 1,
  refused: 1,
  promptTokens: 1_000,
  cachedTokens: 400,
  completionTokens: 500,
  reasoningTokens: 300,
  costMicroUsd: 3_080,
  pending: 2,
  estimated: 3,
  estimatedMicroUsd: 900,
}

/** 600 × 1.10 + 400 × 0.55 + 500 × 4.40 dollars a million. */
const ONE = { requests: 1, promptTokens: 1_000, cachedTokens: 400, completionTokens: 500, costUsd: 0.00308 }

/** Sends a request of a new key that has the usage `ONE`, and lets its account report it. */
async function useKey(): Promise<IssuedKey> {
  const key = await issueKey()
  const reported = {
    prompt_tokens: 1_000,
    completion_tokens: 500,
    total_tokens: 1_500,
    prompt_tokens_details: { cached_tokens: 400 },
    completion_tokens_details: { reasoning_tokens: 300 },
  }
  expect((await complete(key.secret, { simulate: { ...AT_ONCE, usage: reported } })).status).toBe(200)
  await usageAfter(key, 1)
  await runDurableObjectAlarm(env.ACCOUNTS.getByName(key.id))
  return key
}

describe('usage of all keys', () => {
  it('is by day for the last 7 days by default, with a row for each day', async () => {
    await report('abcdefghijkl', 1, EVERY_NUMBER, { ...EVERY_NUMBER, date: '2026-12-29' })
    await report('bcdefghijklm', 1, { ...EVERY_NUMBER, date: '2026-12-31' })
    const page = await usage()
    const none = shownTotals(NO_USAGE)
    const some = shownTotals(EVERY_NUMBER)
    expect(page).toEqual({
      from: '2026-12-30',
      to: TODAY,
      by: 'day',
      usageTags: [],
      data: [
        { date: '2026-12-30', ...none },
        { date: '2026-12-31', ...some },
        ...['2027-01-01', '2027-01-02', '2027-01-03', '2027-01-04'].map((date) => ({ date, ...none })),
        { date: TODAY, ...some },
      ],
      total: shownTotals(sumOf([EVERY_NUMBER, EVERY_NUMBER])),
      nextCursor: null,
    })
  })

  it('by key has the names, also of deleted keys, and no name for a key not yet known', async () => {
    const [alice, gone] = [await issueKey({ name: 'alice' }), await issueKey({ name: 'gone\ud800' })]
    await send('DELETE', `/admin/keys/${gone.id}`, ADMIN_TOKEN)
    await report(alice.id, 1, EVERY_NUMBER, { ...EVERY_NUMBER, model: 'fast' })
    await report(gone.id, 1, EVERY_NUMBER)
    await report('!', 1, { requests: 1 })
    const { data, total } = await usage('?by=key')
    expect(data.map(({ id }) => id)).toEqual(['!', ...[alice.id, gone.id].toSorted()])
    const rows = Object.fromEntries(data.map((row) => [row.id, row]))
    expect(rows['!']).toEqual({ id: '!', name: null, ...shownTotals({ ...NO_USAGE, requests: 1 }) })
    const twice = shownTotals(sumOf([EVERY_NUMBER, EVERY_NUMBER]))
    expect(rows[alice.id]).toEqual({ id: alice.id, name: 'alice', ...twice })
    expect(rows[gone.id]).toMatchObject({ name: 'gone\ud800', deletedAt: expect.any(String), requests: 10 })
    expect(total.requests).toBe(31)
  })

  it('by model has the sums of each model', async () => {
    await report('abcdefghijkl', 1, { requests: 1 }, { requests: 2, model: 'fast' })
    await report('bcdefghijklm', 1, { requests: 4, date: '2027-01-01' })
    const { data } = await usage('?by=model')
    expect(data.map(({ model, requests }) => [model, requests])).toEqual([
      ['fast', 2],
      ['o3-mini', 5],
    ])
  })

  it(
    'is the newest report of each row, in whatever order and how often reports come',
    { timeout: 30_000 },
    async () => {
      const row = fc.record({
        date: fc.constantFrom('2026-12-30', '2027-01-01', TODAY, OLDER_DATE),
        model: fc.constantFrom('a', 'b'),
        requests: fc.nat(100),
        costMicroUsd: fc.nat(10_000_000),
        estimatedMicroUsd: fc.nat(100),
      })
      const rows = fc
        .uniqueArray(row, { selector: ({ date, model }) => `${date} ${model}`, maxLength: 4 })
        .map((some) => some.map((one) => ({ ...NO_USAGE, ...one })))
      const reports = fc
        .uniqueArray(fc.tuple(fc.constantFrom('k1', 'k2', 'k3'), fc.integer({ min: 1, max: 9 }), rows), {
          selector: ([keyId, revision]) => `${keyId} ${revision}`,
          maxLength: 12,
        })
        .map((made) => made.map(([keyId, revision, some]) => ({ keyId, revision, rows: some })))
        .chain((made) => fc.shuffledSubarray([...made, ...made], { minLength: made.length }))
      await fc.assert(
        fc.asyncProperty(reports, fc.integer({ min: 1, max: 3 }), async (sent, limit) => {
          await reset()
          for (const one of sent) await directory().reportUsage(one)
          const newest = newestRows(sent)
          for (const [by, field] of [
            ['day', 'date'],
            ['key', 'id'],
            ['model', 'model'],
          ] as const) {
            const { data, total } = await allPages(`?by=${by}&limit=${limit}`)
            expect(total).toEqual(shownTotals(sumOf(newest)))
            const names = data.map((group) => group[field] ?? '')
            expect(names).toEqual([...new Set(names)].toSorted())
            for (const group of data) {
              const ofGroup = newest.filter((one) => one[field] === group[field])
              expect(group).toMatchObject(shownTotals(sumOf(ofGroup)))
            }
            expect(newest.every((one) => names.includes(one[field]))).toBe(true)
          }
        }),
        { seed: 1, numRuns: 25 },
      )
    },
  )

  it('can go down by a correction', async () => {
    await report('abcdefghijkl', 1, EVERY_NUMBER)
    await report('abcdefghijkl', 2, {
      ...EVERY_NUMBER,
      costMicroUsd: 1_000,
      pending: 0,
      estimatedMicroUsd: 0,
    })
    expect((await usage()).total).toMatchObject({ requests: 10, costUsd: 0.001, pending: 0, estimatedUsd: 0 })
  })

  it('of a day that is over is as late reports have it', async () => {
    await report('key-1', 1, { requests: 1 })
    expect((await usage()).total.requests).toBe(1)
    vi.setSystemTime(Date.now() + DAY_MS)
    const sums = async (): Promise<(number | undefined)[]> => {
      const byModel = await usage('?by=model')
      return [(await usage()).total.requests, byModel.total.requests, byModel.data[0]?.requests]
    }
    expect(await sums()).toEqual([1, 1, 1])
    await report('key-1', 2, { requests: 3 })
    expect(await sums()).toEqual([3, 3, 3])
    await report('key-2', 1, { requests: 2 })
    expect(await sums()).toEqual([5, 5, 5])
  })

  it('pages through 400 days, and is one page by default', async () => {
    const range = '?from=2025-12-02&to=2027-01-05'
    await report('abcdefghijkl', 1, { requests: 1, date: '2025-12-02' }, { requests: 2 })
    const page = await usage(range)
    expect([page.data.length, page.nextCursor, page.total.requests]).toEqual([400, null, 3])
    expect((await allPages(`${range}&limit=150`)).data).toEqual(page.data)
    expect((await usage(`${range}&limit=400`)).nextCursor).toBeNull()
  })

  it('older than 400 days is deleted, and a late report does not restore it', async () => {
    const old = { requests: 1, date: '2025-12-01' }
    await report('abcdefghijkl', 1, old, { requests: 2 })
    expect((await usage('?from=2025-12-01&to=2025-12-31')).total.requests).toBe(1)
    vi.setSystemTime(Date.parse('2027-01-06T00:00:00Z'))
    await report('bcdefghijklm', 1, old)
    expect((await usage('?from=2025-12-01&to=2025-12-31')).total.requests).toBe(0)
    expect((await usage()).total.requests).toBe(2)
  })

  it('is reported by the account of a key after a request', async () => {
    const { id } = await useKey()
    expect((await usage('?by=key')).data).toMatchObject([{ id, ...ONE }])
    expect((await usage()).data.at(-1)).toMatchObject({ date: TODAY, ...ONE })
    expect((await usage('?by=model')).data).toMatchObject([{ model: 'o3-mini', ...ONE }])
  })

  it('survives an eviction of the directory', async () => {
    await report('abcdefghijkl', 1, EVERY_NUMBER)
    await evictDurableObject(directory())
    expect((await usage()).total).toEqual(shownTotals(EVERY_NUMBER))
  })

  it('names the invalid parameter', async () => {
    await report('abcdefghijkl', 1, { requests: 1 })
    const { nextCursor } = await usage('?limit=1')
    expect(nextCursor).not.toBeNull()
    for (const [query, param] of [
      ['from=yesterday', 'from'],
      ['from=2027-1-1', 'from'],
      ['to=2027-02-30', 'to'],
      ['to=%2B010000-01', 'to'],
      ['to=0000-01-01', 'from'],
      ['from=2027-01-05&to=2027-01-04', 'from'],
      ['from=2025-12-01&to=2027-01-05', 'from'],
      ['by=hour', 'by'],
      ['limit=0', 'limit'],
      ['limit=1001', 'limit'],
      ['limit=x', 'limit'],
      ['cursor=', 'cursor'],
      ['cursor=x', 'cursor'],
      [`cursor=${String(nextCursor)}&by=key`, 'cursor'],
    ]) {
      const response = await send('GET', `/admin/usage?${query}`, ADMIN_TOKEN)
      expect([query, response.status, (await errorOf(response)).param]).toEqual([query, 400, param])
    }
    expect((await usage(`?limit=1&cursor=${String(nextCursor)}`)).data).toHaveLength(1)
    expect((await usage('?limit=1000')).data).toHaveLength(7)
  })

  it('is a 503 with retry-after while the directory fails', async () => {
    const log = recordLog()
    vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation(() => {
      throw new Error('internal error')
    })
    const response = await send('GET', '/admin/usage', ADMIN_TOKEN)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await errorOf(response)).code).toBe('usage_unavailable')
    expect(linesOf(log, 'trouble')).toMatchObject([{ what: 'directory_usage' }])
  })
})

/** The row of each day, key and model with the largest revision, as the operator's pages name them. */
function newestRows(reports: readonly UsageReport[]): (UsageRow & { id: string })[] {
  const newest = new Map<string, UsageRow & { id: string }>()
  for (const { keyId, rows } of reports.toSorted((one, other) => one.revision - other.revision))
    for (const row of rows)
      if (row.date !== OLDER_DATE) newest.set(`${keyId} ${row.date} ${row.model}`, { ...row, id: keyId })
  return [...newest.values()]
}

describe('a rebuild of the directory', () => {
  interface Rebuilt {
    republished: number
    failed: string[]
    nextCursor: string | null
  }

  async function rebuild(query = ''): Promise<Rebuilt> {
    const response = await send('POST', `/admin/directory/rebuild${query}`, ADMIN_TOKEN)
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    return response.json()
  }

  async function listed(query = ''): Promise<{ id: string; name: string; disabled: boolean }[]> {
    const response = await send('GET', `/admin/keys${query}`, ADMIN_TOKEN)
    return (await response.json<{ data: { id: string; name: string; disabled: boolean }[] }>()).data
  }

  function lose(...tables: ('keys' | 'usage')[]): Promise<void> {
    return runInDurableObject(directory(), (_instance, { storage }) => {
      for (const table of tables) storage.sql.exec(`DELETE FROM ${table}`)
    })
  }

  async function writeLegacyRecord(text?: string): Promise<string> {
    const { id, secret } = createSecret()
    const view = {
      id,
      name: 'old',
      createdAt: '2026-01-01T00:00:00Z',
      expiresAt: null,
      disabled: false,
      limits: {},
    }
    const record = { ...view, secretSha256: await hashSecret(secret), previous: null }
    await env.KV.put(`key:${id}`, text ?? JSON.stringify(record))
    return id
  }

  it('restores the list, with disabled and deleted keys, page by page', async () => {
    const keys = []
    for (const name of ['a', 'b', 'c', 'd', 'e']) keys.push(await issueKey({ name }))
    vi.setSystemTime(Date.now() + 2_000)
    await send('PATCH', `/admin/keys/${keys[0]?.id}`, ADMIN_TOKEN, { disabled: true })
    await send('DELETE', `/admin/keys/${keys[1]?.id}`, ADMIN_TOKEN)
    const before = [await listed(), await listed('?state=deleted')]
    expect(before.map(({ length }) => length)).toEqual([4, 1])
    await lose('keys')
    expect(await listed()).toEqual([])
    const pages = [await rebuild('?limit=2')]
    for (let cursor = pages[0]?.nextCursor; cursor != null; cursor = pages.at(-1)?.nextCursor)
      pages.push(await rebuild(`?limit=2&cursor=${encodeURIComponent(cursor)}`))
    expect(pages.map(({ republished, failed }) => [republished, failed])).toEqual([
      [2, []],
      [2, []],
      [1, []],
    ])
    expect([await listed(), await listed('?state=deleted')]).toEqual(before)
  })

  it('restores usage', async () => {
    const { id } = await useKey()
    expect((await usage('?by=key')).data).toMatchObject([{ id, ...ONE }])
    const before = await usage('?by=key')
    await lose('keys', 'usage')
    expect((await usage()).total.requests).toBe(0)
    await rebuild()
    expect(await usage('?by=key')).toEqual(before)
  })

  it('restores all usage of a key that is reporting its newest usage meanwhile', async () => {
    const { id, secret } = await useKey()
    expect((await usage()).total).toMatchObject(ONE)
    vi.setSystemTime(Date.now() + DAY_MS)
    const { promise, resolve } = Promise.withResolvers<void>()
    const real = directory()
    const reports: UsageReport[] = []
    const slow = {
      report: (told: KeyReport) => real.report(told),
      reportUsage: async (told: UsageReport) => {
        reports.push(told)
        await promise
        await real.reportUsage(told)
      },
    }
    const getByName = vi.spyOn(env.DIRECTORY, 'getByName').mockReturnValue(slow as unknown as typeof real)
    await complete(secret)
    await usageAfter({ id }, 2)
    const alarm = runDurableObjectAlarm(env.ACCOUNTS.getByName(id))
    await vi.waitFor(() => expect(reports).toMatchObject([{ rows: [{ date: '2027-01-06' }] }]), 3_000)
    getByName.mockRestore()
    await lose('usage')
    await rebuild()
    resolve()
    await alarm
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(id))
    expect((await usage()).total.requests).toBe(2)
    expect((await usage('?by=key')).data).toMatchObject([{ id, requests: 2 }])
  })

  it('does not put the copies in KV again', async () => {
    await issueKey()
    vi.setSystemTime(Date.now() + 120_000)
    const put = vi.spyOn(env.KV, 'put')
    await rebuild()
    expect(put).not.toHaveBeenCalled()
  })

  it('imports a record of version 0.1', async () => {
    const id = await writeLegacyRecord()
    expect(await listed()).toEqual([])
    expect(await rebuild()).toEqual({ republished: 1, failed: [], nextCursor: null })
    await vi.waitFor(async () => expect(await listed()).toMatchObject([{ id, name: 'old' }]))
  })

  it('names the keys whose record cannot be read, and creates no account for what is no key id', async () => {
    const key = await issueKey()
    const spoilt = await writeLegacyRecord('{"id":')
    await env.KV.put('key:x', '{}')
    const getByName = vi.spyOn(env.ACCOUNTS, 'getByName')
    const { republished, failed } = await rebuild()
    expect([republished, failed.toSorted()]).toEqual([1, [spoilt, 'x'].toSorted()])
    expect(getByName.mock.calls.map(([name]) => name).toSorted()).toEqual([key.id, spoilt].toSorted())
  })

  it('names the keys whose account does not answer', async () => {
    const { id } = await issueKey()
    vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation(() => {
      throw new Error('internal error')
    })
    recordLog()
    expect(await rebuild()).toEqual({ republished: 0, failed: [id], nextCursor: null })
  })

  it('is a 503 with retry-after while KV fails', async () => {
    vi.spyOn(env.KV, 'list').mockRejectedValue(new Error('KV GET failed: 500 Internal Server Error'))
    const response = await send('POST', '/admin/directory/rebuild', ADMIN_TOKEN)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await errorOf(response)).code).toBe('keys_unavailable')
  })

  it('names the invalid parameter', async () => {
    vi.spyOn(env.KV, 'list').mockRejectedValue(new Error('KV GET failed: 400 Bad Request'))
    for (const [query, param] of [
      ['limit=0', 'limit'],
      ['limit=25', 'limit'],
      ['cursor=', 'cursor'],
      ['cursor=x', 'cursor'],
      [`cursor=${'x'.repeat(2_001)}`, 'cursor'],
    ]) {
      const response = await send('POST', `/admin/directory/rebuild?${query}`, ADMIN_TOKEN)
      expect([response.status, (await errorOf(response)).param]).toEqual([400, param])
    }
  })
})
