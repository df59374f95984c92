/** What the directories know of groups: usage, metrics, health, and what comes back after a loss. */
import { reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { GROUP_MIGRATION, selectKeyCount, selectKeys, SORTS } from '../../src/accounts/key-list.ts'
import { NO_USAGE } from '../../src/accounts/ledger.ts'
import { METRIC_KEYS_MAX, OTHER_KEYS } from '../../src/accounts/metric-list.ts'
import { createGroupId } from '../../src/keys/group-id.ts'
import { bookAndReport } from '../support/book.ts'
import { startEachAt, withoutReadyKey } from '../support/clean-state.ts'
import { recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, AT_ONCE, complete, env, errorOf, issueKey, send } from '../support/gateway.ts'
import { ask, createGroup, namesAt, refusal, textAt } from '../support/group-routes.ts'
import { isolate, type Send } from '../support/isolate.ts'
import { parseOpenMetrics, valuesOf } from '../support/open-metrics.ts'
import { usageAfter } from '../support/usage.ts'

withoutReadyKey()

startEachAt('2027-01-05T12:00:00Z')

const BUDGET = { usd: 20, period: 'month' }

describe('the usage of groups', () => {
  it('is shown of one group, with what is left of each of its limits', async () => {
    const limits = { requestsPerMinute: 60, tokensPerMinute: 900, requestsPerDay: 50, concurrentRequests: 4 }
    const { id } = await createGroup({ limits: { ...limits, budget: BUDGET } })
    await bookAndReport(id, 2_000_000)
    await bookAndReport(id, 500_000, 'fast')
    const { status, answer } = await ask('GET', `/admin/groups/${id}/usage?from=2027-01-05`)
    expect([status, answer]).toMatchObject([
      200,
      {
        id,
        from: '2027-01-05',
        to: '2027-01-05',
        limits: { ...limits, budget: BUDGET },
        remaining: { requestsPerMinute: 60, requestsPerDay: 48, concurrentRequests: 4, budgetUsd: 17.5 },
        renewsAt: { budgetUsd: '2027-02-01T00:00:00.000Z' },
        total: { requests: 2, costUsd: 2.5 },
        models: [
          { model: 'fast', costUsd: 0.5 },
          { model: 'o3-mini', costUsd: 2 },
        ],
      },
    ])
    const priced = await ask('GET', `/admin/groups/${id}/usage?priceAs=openai/gpt-6-luna`)
    expect(priced.answer).toMatchObject({ total: { pricedAsUsd: expect.any(Number) } })
    await ask('DELETE', `/admin/groups/${id}`)
    expect((await ask('GET', `/admin/groups/${id}/usage`)).answer).toMatchObject({
      id,
      deletedAt: expect.any(String),
      total: { costUsd: 2.5 },
    })
  })

  it('is not bound by the default limits and the default budget, which are of keys', async () => {
    const defaults = { DEFAULT_BUDGET_USD: '1', DEFAULT_REQUESTS_PER_DAY: '5' }
    const other: Send = isolate(undefined, defaults)
    const { id } = await createGroup()
    const key = await issueKey()
    const ofGroup = await other('GET', `/admin/groups/${id}/usage`, ADMIN_TOKEN)
    const { limits, remaining } = await ofGroup.json<{ limits: unknown; remaining: unknown }>()
    expect({ limits, remaining }).toEqual({ limits: {}, remaining: {} })
    const ofKey = await other('GET', `/admin/keys/${key.id}/usage`, ADMIN_TOKEN)
    expect(await ofKey.json()).toMatchObject({ limits: { requestsPerDay: 5, budget: { usd: 1 } } })
  })

  it('is shown of all groups, by pages, with the names also of deleted ones, and their total', async () => {
    const groups = [await createGroup({ name: 'red' }), await createGroup({ name: 'blue' })]
    const [red, blue] = groups.map(({ id }) => id)
    await bookAndReport((await issueKey()).id, 7_000_000)
    await bookAndReport(red ?? '', 1_000_000)
    await bookAndReport(blue ?? '', 2_000_000)
    await ask('DELETE', `/admin/groups/${blue}`)
    const rows = [
      { id: red, name: 'red', costUsd: 1 },
      { id: blue, name: 'blue', costUsd: 2, deletedAt: expect.any(String) },
    ].toSorted((a, b) => (String(a.id) < String(b.id) ? -1 : 1))
    const total = { requests: 2, costUsd: 3 }
    const path = '/admin/usage?by=group'
    expect((await ask('GET', path)).answer).toMatchObject({
      by: 'group',
      data: rows,
      total,
      nextCursor: null,
    })
    const { nextCursor, ...first } = (await ask('GET', `${path}&limit=1`)).answer
    expect(first).toMatchObject({ data: rows.slice(0, 1), total })
    const second = await ask('GET', `${path}&limit=1&cursor=${nextCursor}`)
    expect(second.answer).toMatchObject({ data: rows.slice(1), total, nextCursor: null })
    expect(await refusal('GET', `/admin/usage?by=key&cursor=${nextCursor}`)).toEqual([
      400,
      'invalid_value',
      'cursor',
    ])
    expect((await ask('GET', '/admin/groups?sort=cost')).answer.data).toMatchObject([
      { name: 'red', todayCostUsd: 1, monthCostUsd: 1 },
    ])
  })

  it('has each request of its keys once, and so has each sum of keys', async () => {
    const group = await createGroup()
    const key = await issueKey({ group: group.id })
    const usage = { prompt_tokens: 1_000, completion_tokens: 500 }
    for (const requests of [1, 2]) {
      expect((await complete(key.secret, { simulate: { ...AT_ONCE, usage } })).status).toBe(200)
      await usageAfter(key, requests)
    }
    await vi.waitFor(async () => {
      const { answer } = await ask('GET', `/admin/groups/${group.id}/usage`)
      expect(answer).toMatchObject({ total: { requests: 2, costUsd: 0.0066 } })
    })
    vi.setSystemTime(Date.now() + 61_000)
    for (const id of [key.id, group.id]) await runDurableObjectAlarm(env.ACCOUNTS.getByName(id))
    const total = { requests: 2, promptTokens: 2_000, completionTokens: 1_000, costUsd: 0.0066 }
    for (const by of ['day', 'key', 'model', 'group'])
      expect((await ask('GET', `/admin/usage?by=${by}`)).answer).toMatchObject({ total })
    for (const list of ['keys', 'groups'])
      expect((await ask('GET', `/admin/${list}`)).answer.data).toMatchObject([{ monthCostUsd: 0.0066 }])
    const requests = async (query: string, name: string) =>
      valuesOf(parseOpenMetrics(await textAt(`/admin/metrics${query}`)), name)
    expect(await requests('', 'gateway_requests_total')).toEqual({ 'o3-mini': 2 })
    expect(await requests('?by=key', 'gateway_key_requests_total')).toEqual({ [key.id]: 2 })
    expect(await requests('?by=group', 'gateway_group_requests_total')).toEqual({ [group.id]: 2 })
  })

  it('changes no sum of keys, no list of keys, no file and no metric of keys', async () => {
    const group = await createGroup()
    const key = await issueKey({ group: group.id })
    await bookAndReport(key.id, 3_000_000)
    const paths = [
      '/admin/usage',
      '/admin/usage?by=key',
      '/admin/usage?by=model',
      '/admin/usage?format=csv',
      '/admin/keys',
      '/admin/metrics',
      '/admin/metrics?by=key',
    ]
    const before = await Promise.all(paths.map(textAt))
    expect(before[0]).toContain('"costUsd":3,')
    await bookAndReport(group.id, 3_000_000)
    expect(await Promise.all(paths.map(textAt))).toEqual(before)
    expect((await ask('GET', '/admin/usage?by=group')).answer).toMatchObject({ total: { costUsd: 3 } })
  })
})

describe('the metrics of groups', () => {
  it('have names of their own, and the name of a group in one series', async () => {
    const { id } = await createGroup({ name: 'red' })
    await bookAndReport(id, 3_000_000)
    const families = parseOpenMetrics(await textAt('/admin/metrics?by=group'))
    expect(valuesOf(families, 'gateway_group_requests_total')).toEqual({ [id]: 1 })
    expect(valuesOf(families, 'gateway_group_cost_usd_total')).toEqual({ [id]: 3 })
    expect(valuesOf(families, 'gateway_group_info')).toEqual({ [`${id} red`]: 1 })
    const others = ['', '?by=key'].map(async (query) =>
      parseOpenMetrics(await textAt(`/admin/metrics${query}`)),
    )
    const known = (await Promise.all(others)).flatMap((other) => [...other.keys()])
    expect([...families.keys()].filter((name) => known.includes(name))).toEqual([])
    expect(await refusal('GET', '/admin/metrics?by=team')).toEqual([400, 'invalid_value', 'by'])
  })

  it('are bounded as those of keys are, and end with their group', { timeout: 20_000 }, async () => {
    const row = { ...NO_USAGE, date: '2027-01-05', model: 'o3-mini', requests: 1 }
    const ids = Array.from({ length: METRIC_KEYS_MAX + 3 }, (_, at) => `grp_${`${at}`.padStart(12, '0')}`)
    const groups = env.DIRECTORY.getByName('groups-1')
    await Promise.all(ids.map((keyId) => groups.reportUsage({ keyId, revision: 1, rows: [row] })))
    const requests = async () =>
      valuesOf(parseOpenMetrics(await textAt('/admin/metrics?by=group')), 'gateway_group_requests_total')
    const shown = await requests()
    expect([Object.keys(shown).length, shown[OTHER_KEYS]]).toEqual([METRIC_KEYS_MAX + 1, 3])
    await reset()
    const { id } = await createGroup()
    await bookAndReport(id, 1)
    await ask('DELETE', `/admin/groups/${id}`)
    expect(await requests()).toEqual({})
  })
})

describe('a rebuild of the directories', () => {
  async function lose(): Promise<void> {
    for (const name of ['directory-1', 'groups-1'])
      await runInDurableObject(env.DIRECTORY.getByName(name), (_instance, { storage }) => {
        for (const table of ['keys', 'usage']) storage.sql.exec(`DELETE FROM ${table}`)
      })
  }

  const PATHS = ['/admin/groups', '/admin/usage?by=group', '/admin/usage?by=key', '/admin/keys']
  const shown = () => Promise.all(PATHS.map(textAt))

  it('brings groups back with their keys, with their usage', async () => {
    const [red, blue] = [await createGroup({ name: 'red' }), await createGroup({ name: 'blue' })]
    for (const group of [red.id, red.id, blue.id, null]) await issueKey({ group })
    await bookAndReport(red.id, 1_000_000)
    await bookAndReport(blue.id, 2_000_000)
    const before = await shown()
    await lose()
    expect(await namesAt('/admin/groups')).toEqual([])
    expect((await ask('POST', '/admin/directory/rebuild')).answer).toEqual({
      republished: 6,
      failed: [],
      nextCursor: null,
    })
    expect(await shown()).toEqual(before)
  })

  it('brings a group back that no key names, by its id, and a deleted one as deleted', async () => {
    const [empty, gone] = [await createGroup({ name: 'empty' }), await createGroup({ name: 'gone' })]
    await bookAndReport(gone.id, 1_000_000)
    await ask('DELETE', `/admin/groups/${gone.id}`)
    const before = await shown()
    await lose()
    expect((await ask('POST', '/admin/directory/rebuild')).answer).toMatchObject({ republished: 0 })
    for (const { id } of [empty, gone])
      expect((await ask('POST', `/admin/directory/rebuild?group=${id}`)).answer).toEqual({
        republished: 1,
        failed: [],
        nextCursor: null,
      })
    expect(await shown()).toEqual(before)
  })

  it('names a group whose account does not answer or has none, and creates none for what is no id', async () => {
    recordLog()
    const group = await createGroup()
    const key = await issueKey({ group: group.id })
    const real = env.ACCOUNTS.getByName.bind(env.ACCOUNTS)
    vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation((name, options) => {
      if (name !== key.id) throw new Error('internal error')
      return real(name, options)
    })
    expect((await ask('POST', '/admin/directory/rebuild')).answer).toEqual({
      republished: 1,
      failed: [group.id],
      nextCursor: null,
    })
    vi.restoreAllMocks()
    const unknown = createGroupId()
    expect((await ask('POST', `/admin/directory/rebuild?group=${unknown}`)).answer).toEqual({
      republished: 0,
      failed: [unknown],
      nextCursor: null,
    })
    for (const id of ['', 'red', key.id])
      expect(await refusal('POST', `/admin/directory/rebuild?group=${id}`)).toEqual([
        400,
        'invalid_value',
        'group',
      ])
  })
})

describe('the keys of a group among 100,000', () => {
  it('are listed and counted without a look at the others', { timeout: 20_000 }, async () => {
    const group = await createGroup()
    await issueKey({ group: group.id })
    const rowsRead = await runInDurableObject(
      env.DIRECTORY.getByName('directory-1'),
      (_instance, { storage }) => {
        storage.sql.exec(
          `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
        INSERT INTO keys (id, version, view, name_folded, created_at_ms, disabled)
        SELECT printf('%012d', i), 1, json_object('group', iif(i % 2000 = 0, ?, iif(i % 3 = 0, 'grp_' || (i % 30), NULL))),
          'name ' || i, i, 0 FROM n`,
          group.id,
        )
        const query = { limit: 100, after: null, namePrefix: '', state: null, id: null, group: group.id }
        const statements = [
          ...SORTS.map((sort) => selectKeys({ ...query, sort }, Date.now())),
          selectKeyCount(group.id),
        ]
        return statements.map(({ sql, parameters }) => {
          const cursor = storage.sql.exec(sql, ...parameters)
          cursor.toArray()
          return cursor.rowsRead
        })
      },
    )
    for (const rows of rowsRead) expect(rows).toBeLessThan(1_000)
    expect((await errorOf(await send('DELETE', `/admin/groups/${group.id}`, ADMIN_TOKEN))).message).toContain(
      'has 51 keys',
    )
  })
})

describe('a directory of an earlier version', () => {
  it('finds the keys of a group once it has migrated', async () => {
    const group = await createGroup()
    for (const name of ['a', 'b']) await issueKey({ name, group: name === 'a' ? group.id : null })
    await runInDurableObject(env.DIRECTORY.getByName('directory-1'), (_instance, { storage }) => {
      storage.sql.exec(`DROP INDEX keys_by_group; ALTER TABLE keys DROP COLUMN group_id; ${GROUP_MIGRATION}`)
    })
    expect(await namesAt(`/admin/keys?group=${group.id}`)).toEqual(['a'])
    await issueKey({ name: 'c', group: group.id })
    expect(await namesAt(`/admin/keys?group=${group.id}`)).toEqual(['a', 'c'])
    expect(await namesAt('/admin/keys')).toEqual(['a', 'b', 'c'])
  })
})

describe('the health of the directory', () => {
  it.each(['directory-1', 'groups-1'])('fails with %s', async (failing) => {
    const real = env.DIRECTORY.getByName.bind(env.DIRECTORY)
    expect((await ask('GET', '/admin/health')).answer).toMatchObject({
      parts: { directory: { state: 'ok' } },
    })
    vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation((name, options) => {
      if (name === failing) throw new Error('internal error')
      return real(name, options)
    })
    expect((await ask('GET', '/admin/health')).answer).toMatchObject({
      state: 'degraded',
      parts: { directory: { state: 'failed', reason: 'Error: internal error' } },
    })
  })
})
