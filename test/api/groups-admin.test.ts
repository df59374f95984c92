/** The operator's side of groups: their records and their keys. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { createGroupId } from '../../src/keys/group-id.ts'
import { groupRecord } from '../../src/keys/group.ts'
import { createSecret, hashSecret } from '../../src/keys/secret.ts'
import { startEachAt, withoutReadyKey } from '../support/clean-state.ts'
import { linesOf, recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, complete, env, errorOf, issueKey, send } from '../support/gateway.ts'
import { ask, createGroup, namesAt, refusal } from '../support/group-routes.ts'
import { isolate, type Send } from '../support/isolate.ts'

withoutReadyKey()

startEachAt('2027-01-05T12:00:00Z')

const BUDGET = { usd: 20, period: 'month' }

describe('a group', () => {
  it('is created, shown, changed, listed and deleted', async () => {
    const group = await createGroup({ name: 'red', limits: { requestsPerMinute: 600, budget: BUDGET } })
    expect(group).toEqual({
      id: expect.stringMatching(/^grp_[0-9A-Za-z]{12}$/),
      name: 'red',
      createdAt: expect.stringMatching(/^2027-01-05T12:/),
      limits: { requestsPerMinute: 600, budget: BUDGET },
    })
    const path = `/admin/groups/${group.id}`
    expect(await ask('GET', path)).toEqual({ status: 200, answer: group })
    const changed = {
      ...group,
      name: 'blue',
      limits: { budget: BUDGET, concurrentRequests: 4 },
    }
    const patch = { name: 'blue', limits: { requestsPerMinute: null, concurrentRequests: 4 } }
    expect(await ask('PATCH', path, patch)).toEqual({ status: 200, answer: changed })
    expect(await ask('GET', path)).toEqual({ status: 200, answer: changed })
    expect(await ask('GET', '/admin/groups')).toEqual({
      status: 200,
      answer: { data: [{ ...changed, todayCostUsd: 0, monthCostUsd: 0 }], nextCursor: null },
    })
    expect(await ask('DELETE', path)).toEqual({
      status: 200,
      answer: { id: group.id, deleted: true, usageKeptUntil: '2028-02-09' },
    })
    expect((await ask('GET', '/admin/groups')).answer).toEqual({ data: [], nextCursor: null })
  })

  it('that was deleted is deleted for good', async () => {
    const { id } = await createGroup()
    const path = `/admin/groups/${id}`
    await ask('DELETE', path)
    await evictDurableObject(env.ACCOUNTS.getByName(id))
    for (const [method, body] of [['GET'], ['PATCH', { name: 'back' }], ['DELETE']] as const)
      expect(await refusal(method, path, body)).toEqual([404, 'group_not_found', 'id'])
    expect(await refusal('POST', '/admin/keys', { name: 'x', group: id })).toEqual([
      400,
      'invalid_value',
      'group',
    ])
    expect(await namesAt('/admin/groups')).toEqual([])
  })

  it('is listed by pages, by the beginning of its name and in three orders', async () => {
    for (const name of ['b1', 'a', 'B2']) {
      await createGroup({ name })
      // Groups of the same millisecond are listed by their ids.
      vi.setSystemTime(Date.now() + 1)
    }
    await issueKey({ name: 'b-key' })
    expect(await namesAt('/admin/groups')).toEqual(['b1', 'a', 'B2'])
    expect(await namesAt('/admin/groups?name=b')).toEqual(['b1', 'B2'])
    expect(await namesAt('/admin/groups?sort=name')).toEqual(['a', 'b1', 'B2'])
    expect(await namesAt('/admin/groups?sort=cost')).toHaveLength(3)
    const first = await ask('GET', '/admin/groups?limit=2&sort=name')
    expect(await namesAt(`/admin/groups?limit=2&sort=name&cursor=${first.answer.nextCursor}`)).toEqual(['B2'])
    expect(await namesAt('/admin/keys')).toEqual(['b-key'])
  })

  it('names the invalid parameter', async () => {
    const { id } = await createGroup()
    for (const [method, path, body, param] of [
      ['POST', '/admin/groups', {}, 'name'],
      ['POST', '/admin/groups', { name: '' }, 'name'],
      ['POST', '/admin/groups', { name: 'x', limits: { requestsPerMinute: 0 } }, 'limits.requestsPerMinute'],
      ['POST', '/admin/groups', { name: 'x', limits: { mode: 'exact' } }, 'limits.mode'],
      [
        'POST',
        '/admin/groups',
        { name: 'x', limits: { completionTokensPerRequest: 5 } },
        'limits.completionTokensPerRequest',
      ],
      ['POST', '/admin/groups', { name: 'x', models: ['o3-mini'] }, 'models'],
      ['PATCH', `/admin/groups/${id}`, { disabled: true }, 'disabled'],
      ['PATCH', `/admin/groups/${id}`, { expiresAt: '2099-01-01T00:00:00Z' }, 'expiresAt'],
      ['PATCH', `/admin/groups/${id}`, { group: id }, 'group'],
      ['PATCH', `/admin/groups/${id}`, { limits: { budget: { usd: 1 } } }, 'limits.budget.period'],
      ['GET', '/admin/groups?limit=0', undefined, 'limit'],
      ['GET', '/admin/groups?sort=price', undefined, 'sort'],
      ['GET', '/admin/groups?cursor=x', undefined, 'cursor'],
      ['GET', `/admin/groups?name=${'x'.repeat(101)}`, undefined, 'name'],
      ['GET', `/admin/groups/${id}/usage?from=yesterday`, undefined, 'from'],
      ['GET', `/admin/groups/${id}/usage?priceAs=x`, undefined, 'priceAs'],
    ] as const) {
      const [status, , named] = await refusal(method, path, body)
      expect([path, body, status, named]).toEqual([path, body, 400, param])
    }
  })

  it('of a made-up id is a 404, and stores nothing', async () => {
    const getByName = vi.spyOn(env.ACCOUNTS, 'getByName')
    const malformed = [
      'grp_x',
      'grp_',
      'GRP_Abc123Abc123',
      'grp_Abc123Abc1234',
      'grp_Abc123Abc12%0a',
      '__proto__',
    ]
    for (const id of malformed)
      for (const [method, path, body] of routesOf(id))
        expect(await refusal(method, path, body)).toEqual([404, 'group_not_found', 'id'])
    expect(getByName.mock.calls.filter(([name]) => malformed.includes(name))).toEqual([])
    const id = createGroupId()
    for (const [method, path, body] of routesOf(id))
      expect(await refusal(method, path, body)).toEqual([404, 'group_not_found', 'id'])
    const tables = await runInDurableObject(env.ACCOUNTS.getByName(id), (_instance, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
    )
    expect(tables).toEqual([])
  })

  it('is no key, and a key is no group', async () => {
    const { id: groupId } = await createGroup()
    const { id: keyId } = await issueKey()
    for (const [method, path, body] of routesOf(keyId))
      expect(await refusal(method, path, body)).toEqual([404, 'group_not_found', 'id'])
    for (const [method, path, body] of [
      ['GET', ''],
      ['PATCH', '', { disabled: true }],
      ['DELETE', ''],
      ['POST', '/rotate', {}],
      ['GET', '/usage'],
      ['GET', '/requests'],
      ['GET', '/minutes'],
    ] as const)
      expect(await refusal(method, `/admin/keys/${groupId}${path}`, body)).toEqual([
        404,
        'key_not_found',
        'id',
      ])
    expect((await ask('GET', `/admin/groups/${groupId}`)).status).toBe(200)
    expect((await ask('GET', `/admin/keys/${keyId}`)).status).toBe(200)
  })

  it('has no copy in KV', async () => {
    const put = vi.spyOn(env.KV, 'put')
    const { id } = await createGroup()
    await ask('PATCH', `/admin/groups/${id}`, { name: 'other' })
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(id))
    await ask('DELETE', `/admin/groups/${id}`)
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(id))
    expect(put).not.toHaveBeenCalled()
    expect(await runDurableObjectAlarm(env.ACCOUNTS.getByName(id))).toBe(false)
  })

  it('is not taken from KV', async () => {
    const { id } = await createGroup()
    const forged = createGroupId()
    await env.KV.put(
      `key:${forged}`,
      JSON.stringify({ ...groupRecord({ ...GROUP, id: forged }), version: 5 }),
    )
    for (const [method, path, body] of routesOf(forged))
      expect(await refusal(method, path, body)).toEqual([404, 'group_not_found', 'id'])
    expect((await ask('GET', `/admin/groups/${id}`)).status).toBe(200)
  })

  it('is opened by no secret', async () => {
    const { id } = await createGroup()
    const { secret } = createSecret(id)
    for (const bearer of [id, secret, `sk-gw-${id}`, secret.replace('grp_', '')])
      expect((await complete(bearer)).status).toBe(401)
    const account = env.ACCOUNTS.getByName(id)
    for (const secretSha256 of ['', await hashSecret(''), await hashSecret(secret)])
      expect(await account.admit(id, { ...ADMISSION, secretSha256 })).toMatchObject({ revoked: true })
    expect(await account.admit(id, { ...ADMISSION, secretSha256: null })).toMatchObject({ admitted: true })
    const key = await issueKey()
    const asGroup = { ...ADMISSION, secretSha256: null }
    expect(await env.ACCOUNTS.getByName(key.id).admit(key.id, asGroup)).toMatchObject({ revoked: true })
  })

  it('keeps changes of two isolates at the same time, and a deletion among them', async () => {
    const other: Send = isolate()
    const { id } = await createGroup({ limits: { requestsPerDay: 5 } })
    const path = `/admin/groups/${id}`
    await Promise.all([
      send('PATCH', path, ADMIN_TOKEN, { limits: { budget: BUDGET } }),
      other('PATCH', path, ADMIN_TOKEN, { name: 'renamed' }),
      send('PATCH', path, ADMIN_TOKEN, { limits: { requestsPerDay: null } }),
      other('PATCH', path, ADMIN_TOKEN, { limits: { concurrentRequests: 3 } }),
    ])
    expect((await ask('GET', path)).answer).toMatchObject({
      name: 'renamed',
      limits: { budget: BUDGET, concurrentRequests: 3 },
    })
    const [deleted] = await Promise.all([
      send('DELETE', path, ADMIN_TOKEN),
      other('PATCH', path, ADMIN_TOKEN, { name: 'late' }),
    ])
    expect(deleted.status).toBe(200)
    expect((await other('GET', path, ADMIN_TOKEN)).status).toBe(404)
    // The report of the change may be under way, and the alarm then reports the deletion.
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(id))
    expect(await namesAt('/admin/groups')).toEqual([])
  })

  it('is a 503 with retry-after while its account or the directory fails', async () => {
    const log = recordLog()
    const { id } = await createGroup()
    const fails = () => {
      throw new Error('internal error')
    }
    const directories = vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation(fails)
    expect(await refusal('GET', '/admin/groups')).toEqual([503, 'keys_unavailable', null])
    expect(await refusal('DELETE', `/admin/groups/${id}`)).toEqual([503, 'keys_unavailable', null])
    directories.mockRestore()
    const accounts = vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation(fails)
    for (const [method, body] of [['GET'], ['PATCH', {}], ['DELETE']] as const)
      expect(await refusal(method, `/admin/groups/${id}`, body)).toEqual([503, 'keys_unavailable', null])
    expect(await refusal('POST', '/admin/keys', { name: 'x', group: id })).toEqual([
      503,
      'keys_unavailable',
      null,
    ])
    accounts.mockRestore()
    expect((await ask('GET', `/admin/groups/${id}`)).status).toBe(200)
    expect(linesOf(log, 'trouble').length).toBeGreaterThan(0)
  })
})

const GROUP = { name: 'forged', createdAt: '2027-01-05T12:00:00Z', limits: {} }

const ADMISSION = {
  requestId: 'req_1',
  model: 'o3-mini',
  worstMicroUsd: 1,
  expected: { promptTokens: 1, cachedTokens: 0, completionTokens: 1, reasoningTokens: 0, costMicroUsd: 1 },
  tokens: 2,
  defaultLimits: {},
}

function routesOf(id: string): [method: string, path: string, body?: object][] {
  const path = `/admin/groups/${id}`
  return [
    ['GET', path],
    ['PATCH', path, {}],
    ['DELETE', path],
    ['GET', `${path}/usage`],
  ]
}

describe('the group of a key', () => {
  it('is given at its creation, changed and removed, and must exist', async () => {
    const [red, blue] = [await createGroup({ name: 'red' }), await createGroup({ name: 'blue' })]
    const { id } = await issueKey({ group: red.id })
    const path = `/admin/keys/${id}`
    const shown = async () => (await ask('GET', path)).answer.group
    expect(await shown()).toBe(red.id)
    for (const group of [createGroupId(), id, 'red', '', 5]) {
      expect((await refusal('POST', '/admin/keys', { name: 'x', group })).toSpliced(1, 1)).toEqual([
        400,
        'group',
      ])
      expect((await refusal('PATCH', path, { group })).toSpliced(1, 1)).toEqual([400, 'group'])
    }
    expect(await shown()).toBe(red.id)
    await ask('PATCH', path, { group: blue.id })
    expect(await shown()).toBe(blue.id)
    await ask('PATCH', path, { name: 'renamed' })
    expect(await shown()).toBe(blue.id)
    expect((await ask('PATCH', path, { group: null })).answer).not.toHaveProperty('group')
    expect((await ask('GET', path)).answer).not.toHaveProperty('group')
    const without = await issueKey({ group: null })
    expect((await ask('GET', `/admin/keys/${without.id}`)).answer).not.toHaveProperty('group')
  })

  it('filters the list of keys, together with the other filters and by pages', async () => {
    const [red, blue] = [await createGroup(), await createGroup()]
    const keys = []
    for (const name of ['a1', 'a2', 'b1']) keys.push(await issueKey({ name, group: red.id }))
    await issueKey({ name: 'a3', group: blue.id })
    await issueKey({ name: 'a4' })
    expect(await namesAt(`/admin/keys?group=${red.id}`)).toEqual(['a1', 'a2', 'b1'])
    expect(await namesAt(`/admin/keys?group=${red.id}&name=a&sort=name`)).toEqual(['a1', 'a2'])
    expect(await namesAt(`/admin/keys?group=${createGroupId()}`)).toEqual([])
    await ask('PATCH', `/admin/keys/${keys[0]?.id}`, { disabled: true })
    await ask('DELETE', `/admin/keys/${keys[1]?.id}`)
    expect(await namesAt(`/admin/keys?group=${red.id}`)).toEqual(['a1', 'b1'])
    expect(await namesAt(`/admin/keys?group=${red.id}&state=disabled`)).toEqual(['a1'])
    expect(await namesAt(`/admin/keys?group=${red.id}&state=deleted`)).toEqual(['a2'])
    const path = `/admin/keys?group=${red.id}&limit=1`
    const { nextCursor } = (await ask('GET', path)).answer
    expect(await namesAt(`${path}&cursor=${nextCursor}`)).toEqual(['b1'])
    for (const group of ['', 'red', keys[0]?.id])
      expect(await refusal('GET', `/admin/keys?group=${group}`)).toEqual([400, 'invalid_value', 'group'])
  })

  it('keeps it from being deleted, until no key has it that is not deleted', async () => {
    const group = await createGroup()
    const path = `/admin/groups/${group.id}`
    const [one, two] = [await issueKey({ group: group.id }), await issueKey({ group: group.id })]
    expect(await refusal('DELETE', path)).toEqual([409, 'group_not_empty', 'id'])
    const { message } = await errorOf(await send('DELETE', path, ADMIN_TOKEN))
    expect(message).toContain('has 2 keys')
    await ask('PATCH', `/admin/keys/${one.id}`, { group: null })
    expect((await errorOf(await send('DELETE', path, ADMIN_TOKEN))).message).toContain('has 1 key.')
    await ask('DELETE', `/admin/keys/${two.id}`)
    expect((await ask('DELETE', path)).status).toBe(200)
  })

  it('survives changes of two isolates at the same time', async () => {
    const other: Send = isolate()
    const group = await createGroup()
    const { id } = await issueKey()
    const path = `/admin/keys/${id}`
    await Promise.all([
      send('PATCH', path, ADMIN_TOKEN, { group: group.id }),
      other('PATCH', path, ADMIN_TOKEN, { name: 'renamed' }),
      other('PATCH', path, ADMIN_TOKEN, { limits: { requestsPerDay: 5 } }),
    ])
    expect((await ask('GET', path)).answer).toMatchObject({
      name: 'renamed',
      group: group.id,
      limits: { requestsPerDay: 5 },
    })
  })
})
