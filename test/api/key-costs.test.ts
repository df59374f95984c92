/** What the operator sees of a key beside its record: the cost of the day and the month, and what is left of its limits. */
import { describe, expect, it } from 'vitest'
import { NO_USAGE } from '../../src/accounts/ledger.ts'
import { startEachAt, withoutReadyKey } from '../support/clean-state.ts'
import { ADMIN_TOKEN, AT_ONCE, complete, env, issueKey, send } from '../support/gateway.ts'
import { usageAfter } from '../support/usage.ts'

interface Listed {
  id: string
  name: string
  todayCostUsd: number
  monthCostUsd: number
  deletedAt?: string
}

withoutReadyKey()

startEachAt('2027-02-03T12:00:00Z')

async function listed(query: string): Promise<Listed[]> {
  const response = await send('GET', `/admin/keys${query}`, ADMIN_TOKEN)
  expect(response.status).toBe(200)
  return (await response.json<{ data: Listed[] }>()).data
}

async function book(keyId: string, costs: Record<string, number>): Promise<void> {
  const rows = Object.entries(costs).flatMap(([date, costMicroUsd]) =>
    ['o3-mini', 'fast'].map((model) => ({ ...NO_USAGE, date, model, costMicroUsd })),
  )
  await env.DIRECTORY.getByName('directory-1').reportUsage({ keyId, revision: 1, rows })
}

describe('the list of keys', () => {
  it('has the cost of the UTC day and month so far, in each page and order', async () => {
    const [dear, cheap, unused] = [
      await issueKey({ name: 'dear' }),
      await issueKey({ name: 'cheap' }),
      await issueKey({ name: 'unused' }),
    ]
    await book(dear.id, { '2027-01-31': 1_000_000, '2027-02-01': 20_000, '2027-02-03': 3_000 })
    await book(cheap.id, { '2027-01-31': 7, '2027-02-02': 1 })
    const expected = {
      [dear.id]: ['dear', 0.006, 0.046],
      [cheap.id]: ['cheap', 0, 0.000002],
      [unused.id]: ['unused', 0, 0],
    }
    for (const sort of ['created', 'name', 'cost']) {
      const rows = await listed(`?sort=${sort}`)
      expect(
        Object.fromEntries(rows.map((key) => [key.id, [key.name, key.todayCostUsd, key.monthCostUsd]])),
      ).toEqual(expected)
    }
    expect(await listed('?sort=cost&limit=1')).toMatchObject([{ name: 'dear', monthCostUsd: 0.046 }])
  })

  it('finds one key by its id, a deleted one too', async () => {
    const [kept, gone] = [await issueKey({ name: 'kept' }), await issueKey({ name: 'gone' })]
    await send('DELETE', `/admin/keys/${gone.id}`, ADMIN_TOKEN)
    expect(await listed(`?id=${kept.id}`)).toMatchObject([{ name: 'kept' }])
    expect(await listed(`?id=${gone.id}`)).toEqual([])
    expect(await listed(`?state=deleted&id=${gone.id}`)).toMatchObject([
      { name: 'gone', deletedAt: expect.any(String) },
    ])
    expect(await listed('?id=nobody')).toEqual([])
  })
})

it('the usage of a key says what is left of the limits that its account keeps, and when they renew', async () => {
  const limits = { requestsPerDay: 3, budget: { usd: 1, period: 'month' }, concurrentRequests: 2 }
  const { id, secret } = await issueKey({ limits })
  const usage = { prompt_tokens: 1_000, completion_tokens: 500 }
  await complete(secret, { simulate: { ...AT_ONCE, usage } })
  expect(await usageAfter({ id }, 1)).toMatchObject({
    asOf: expect.stringMatching(/^2027-02-03T/),
    limits,
    remaining: { requestsPerDay: 2, concurrentRequests: 2, budgetUsd: 0.9967 },
    renewsAt: { requestsPerDay: '2027-02-04T00:00:00.000Z', budgetUsd: '2027-03-01T00:00:00.000Z' },
  })
})
