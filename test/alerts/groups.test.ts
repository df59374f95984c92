/** Alerts of groups through the front door: their budgets, and reports that do not arrive. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { AccountAlerts, UNPUBLISHED_TOLD_MS } from '../../src/accounts/account-alerts.ts'
import { AccountStore } from '../../src/accounts/account-store.ts'
import { sourcesOf } from '../../src/accounts/publication-sources.ts'
import { Publication } from '../../src/accounts/publication.ts'
import { DAY_MS } from '../../src/calendar.ts'
import { book } from '../support/book.ts'
import { startEachAt } from '../support/clean-state.ts'
import { recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, env, issueKey, send } from '../support/gateway.ts'
import { createGroup } from '../support/group-routes.ts'
import { answer, payloads, received } from './receiving.ts'

// The frozen time is ahead of the runtime's clock, so that an alarm runs only where a test runs it.
startEachAt('2027-02-03T12:00:00Z')
beforeEach(async () => {
  recordLog()
  await answer(200)
})
const alarm = (id: string) => runDurableObjectAlarm(env.ACCOUNTS.getByName(id))
const desk = () => env.DIRECTORY.getByName('alerts-1')
const later = (ms: number) => vi.setSystemTime(Date.now() + ms)

async function spend(id: string, usd: number): Promise<void> {
  await book(id, usd * 1_000_000)
  await alarm(id)
}

describe('a budget of a group', () => {
  it('is told at 80, 95 and 100 %, once each, with the group beside the text', async () => {
    const { id } = await createGroup({ name: 'red', limits: { budget: { usd: 10, period: 'month' } } })
    for (const usd of [7.9, 0.2, 0.1, 1.4, 0.1, 0.5]) await spend(id, usd)
    const told = await payloads()
    expect(told.map(({ percent }) => percent)).toEqual([80, 95, 100])
    expect(told[0]).toEqual({
      text: `The group red (${id}) has used 80 % of its budget of 10 dollars a month: 8.1 dollars. It renews at 2027-03-01T00:00:00.000Z.`,
      id: `budget:${id}:month:2027-02:10000000:80`,
      at: expect.stringMatching(/^2027-02-03T12:/),
      type: 'budget',
      percent: 80,
      budgetUsd: 10,
      period: 'month',
      spentUsd: 8.1,
      renewsAt: '2027-03-01T00:00:00.000Z',
      group: { id, name: 'red' },
    })
  })

  it('is told beside that of a key, and not of a group that was deleted', async () => {
    const budget = { limits: { budget: { usd: 1, period: 'total' } } }
    const [group, gone] = [await createGroup(budget), await createGroup(budget)]
    const key = await issueKey({ ...budget, group: group.id })
    await send('DELETE', `/admin/groups/${gone.id}`, ADMIN_TOKEN)
    for (const id of [group.id, key.id, gone.id]) await spend(id, 0.9)
    expect(await payloads()).toMatchObject([
      { type: 'budget', group: { id: group.id }, text: expect.stringContaining('in total') },
      { type: 'budget', key: { id: key.id } },
    ])
  })

  it('is not the default budget, which is of keys', async () => {
    const [group, key] = [await createGroup(), await issueKey()]
    for (const id of [group.id, key.id]) await book(id, 2_000_000)
    const percents = await Promise.all([group.id, key.id].map(alertsByDefault))
    expect(percents).toEqual([0, 1])
  })
})

/** How many alerts wait once a deployment has set a default budget of a dollar. */
function alertsByDefault(id: string): Promise<number> {
  return runInDurableObject(env.ACCOUNTS.getByName(id), (_instance, { storage }) => {
    const store = new AccountStore(storage)
    store.load()
    const bindings = { ...env, DEFAULT_BUDGET_USD: '1' }
    const publication = new Publication(
      storage.sql,
      sourcesOf(bindings, () => store.account),
    )
    const alerts = new AccountAlerts(storage.sql, bindings, () => store.account, publication)
    alerts.noteBudget(Date.now())
    return alerts.nextAtMs(Date.now()) === null ? 0 : 1
  })
}

describe('a group', () => {
  it('whose report does not arrive for 5 minutes is told by its name', async () => {
    const real = env.DIRECTORY.getByName.bind(env.DIRECTORY)
    vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation((name) => {
      if (name === 'groups-1') throw new Error('internal error')
      return real(name)
    })
    const { id } = await createGroup({ name: 'red' })
    later(UNPUBLISHED_TOLD_MS)
    await alarm(id)
    await runDurableObjectAlarm(desk())
    expect(await payloads()).toMatchObject([
      {
        type: 'unpublished',
        target: 'directory',
        group: { id, name: 'red' },
        text: expect.stringContaining(`The account of the group red (${id}) cannot publish to the directory`),
      },
    ])
  })

  it('without a budget alerts of nothing, and sleeps', async () => {
    const { id } = await createGroup()
    await spend(id, 1_000)
    later(DAY_MS)
    while (await alarm(id)) later(300_000)
    expect(await received()).toEqual([])
  })
})
