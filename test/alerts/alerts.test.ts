/** Alerts of keys through the front door: what the webhook receives, when, how often, and what happens while it fails. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ALERT_KEPT_MS, ALERT_RETRY_MS, ALERTS_A_DAY_MAX } from '../../src/alerts/outbox-state.ts'
import { DAY_MS } from '../../src/calendar.ts'
import { startEachAt } from '../support/clean-state.ts'
import { linesOf, recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, AT_ONCE, complete, env, issueKey, type IssuedKey, send } from '../support/gateway.ts'
import { usageAfter, usageOf } from '../support/usage.ts'
import { WEBHOOK_SECRET } from '../support/webhook.ts'
import { answer, isSigned, payloads, received } from './receiving.ts'

// The frozen time is ahead of the runtime's clock, so that an alarm runs only where a test runs it.
startEachAt('2027-02-03T12:00:00Z')
beforeEach(async () => {
  await answer(200)
})
const account = ({ id }: { id: string }) => env.ACCOUNTS.getByName(id)
const alarm = (key: IssuedKey) => runDurableObjectAlarm(account(key))
const later = (ms: number) => vi.setSystemTime(Date.now() + ms)
const patch = (key: IssuedKey, body: object) => send('PATCH', `/admin/keys/${key.id}`, ADMIN_TOKEN, body)
const budgetOf = (usd: number, period = 'month') => ({ limits: { budget: { usd, period } } })
const expiringIn = (days: number) => ({ expiresAt: new Date(Date.now() + days * DAY_MS).toISOString() })

/** What the webhook has of budgets: percent and dollars. */
async function budgets(): Promise<unknown[]> {
  return (await payloads()).map(({ percent, budgetUsd }) => [percent, budgetUsd])
}

/** Makes a request that costs so much, by o3-mini's 4.40 dollars a million tokens, and runs the alarm. */
async function spend(key: IssuedKey, usd: number): Promise<void> {
  await book(key, usd)
  await alarm(key)
}

async function book(key: IssuedKey, usd: number): Promise<void> {
  const usage = { prompt_tokens: 0, completion_tokens: Math.ceil((usd * 1_000_000) / 4.4) }
  const { requests } = (await usageOf(key)).total
  expect((await complete(key.secret, { simulate: { ...AT_ONCE, usage } })).status).toBe(200)
  await usageAfter(key, requests + 1)
}

/** Rows of the table of alerts; `null` where there is no table. */
function alertRows(key: IssuedKey): Promise<number | null> {
  return runInDurableObject(account(key), (_, { storage: { sql } }) => {
    const tables = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'alerts'").toArray()
    return tables.length === 0 ? null : sql.exec('SELECT 1 FROM alerts').toArray().length
  })
}

describe('a budget', () => {
  it('is told at 80, 95 and 100 %, once each, signed, with the fields beside the text', async () => {
    const key = await issueKey({ name: 'alice <!channel>', ...budgetOf(10) })
    await spend(key, 7.9)
    expect(await budgets()).toEqual([])
    for (const usd of [0.2, 0.1, 1.4, 0.1, 0.5]) await spend(key, usd)
    expect(await budgets()).toEqual([
      [80, 10],
      [95, 10],
      [100, 10],
    ])
    const [first] = await received()
    if (first === undefined) throw new Error('the webhook has received nothing')
    expect(JSON.parse(first.body)).toEqual({
      text: `The key alice &lt;!channel&gt; (${key.id}) has used 80 % of its budget of 10 dollars a month: 8.100004 dollars. It renews at 2027-03-01T00:00:00.000Z.`,
      id: `budget:${key.id}:month:2027-02:10000000:80`,
      at: expect.stringMatching(/^2027-02-03T12:/),
      type: 'budget',
      percent: 80,
      budgetUsd: 10,
      period: 'month',
      spentUsd: 8.100004,
      renewsAt: '2027-03-01T00:00:00.000Z',
      key: { id: key.id, name: 'alice <!channel>' },
    })
    expect([await isSigned(first, WEBHOOK_SECRET), await isSigned(first, 'another')]).toEqual([true, false])
    expect(JSON.stringify(await received())).not.toContain(key.secret)
  })

  it('that one request uses up is told once, by its highest threshold', async () => {
    const key = await issueKey(budgetOf(1))
    await spend(key, 3)
    expect(await budgets()).toEqual([[100, 1]])
  })

  it('is told again in its next period, and a renewal alone tells nothing', async () => {
    const key = await issueKey(budgetOf(1, 'day'))
    await spend(key, 0.9)
    later(DAY_MS)
    await spend(key, 0.1)
    expect(await budgets()).toEqual([[80, 1]])
    await spend(key, 0.75)
    expect((await payloads()).map(({ id }) => id)).toEqual([
      `budget:${key.id}:day:2027-02-03:1000000:80`,
      `budget:${key.id}:day:2027-02-04:1000000:80`,
    ])
  })

  it('that is changed in its period is told by its new sum, and nothing that was told is told again', async () => {
    const key = await issueKey(budgetOf(10))
    await spend(key, 8.1)
    await patch(key, budgetOf(20))
    await alarm(key)
    expect(await budgets()).toEqual([[80, 10]])
    await spend(key, 8)
    await patch(key, budgetOf(16.9))
    await alarm(key)
    await patch(key, budgetOf(20))
    await alarm(key)
    for (const usd of [16, 16.9, 16, 100]) {
      await patch(key, budgetOf(usd))
      await alarm(key)
    }
    expect(await budgets()).toEqual([
      [80, 10],
      [80, 20],
      [95, 16.9],
      [100, 16],
    ])
  })

  it('of a key without one, and without an end, costs no row and no alarm', async () => {
    const key = await issueKey()
    await spend(key, 5)
    await evictDurableObject(account(key))
    await book(key, 5)
    later(300_000)
    while (await alarm(key)) later(300_000)
    expect(await alertRows(key)).toBeNull()
    expect(await received()).toEqual([])
  })
})

describe('a key that expires', () => {
  it('is told 7 days before, once, by its alarm alone', async () => {
    const key = await issueKey({ name: 'bob', ...expiringIn(30) })
    later(2 * 3_600_000)
    await alarm(key)
    const dueMs = await runInDurableObject(account(key), (_, state) => state.storage.getAlarm())
    expect(new Date(dueMs ?? 0).toISOString()).toMatch(/^2027-02-26T12:0/)
    expect(await received()).toEqual([])
    vi.setSystemTime(dueMs ?? 0)
    await alarm(key)
    await alarm(key)
    expect(await payloads()).toMatchObject([{ type: 'key_expires', key: { id: key.id, name: 'bob' } }])
    later(DAY_MS)
    await evictDurableObject(account(key))
    await send('GET', `/admin/keys/${key.id}/usage`, ADMIN_TOKEN)
    await alarm(key)
    expect(await payloads()).toHaveLength(1)
  })

  it('is told at once where a later change brings its end near, and again for another end', async () => {
    const key = await issueKey(expiringIn(90))
    later(20 * DAY_MS)
    for (const days of [3, 60, 5]) {
      await patch(key, expiringIn(days))
      later(2_000)
      await alarm(key)
    }
    expect((await payloads()).map(({ type }) => type)).toEqual(['key_expires', 'key_expires'])
  })

  it('is not told where it was made for less than a week, is disabled, deleted or past its end', async () => {
    const short = await issueKey(expiringIn(1))
    const [disabled, deleted, past] = [
      await issueKey(expiringIn(30)),
      await issueKey(expiringIn(30)),
      await issueKey(expiringIn(9)),
    ]
    await patch(disabled, { disabled: true })
    await send('DELETE', `/admin/keys/${deleted.id}`, ADMIN_TOKEN)
    await alarm(short)
    later(25 * DAY_MS)
    for (const key of [disabled, deleted, past]) {
      await alarm(key)
      await alarm(key)
      // An account with nothing to do sleeps.
      expect(await alarm(key)).toBe(false)
    }
    expect(await received()).toEqual([])
  })
})

describe('a webhook', () => {
  it('that fails for a while receives the same alert once it works', async () => {
    await answer(500)
    const key = await issueKey(budgetOf(1))
    await spend(key, 0.9)
    const [failed] = await received()
    await evictDurableObject(account(key))
    later(ALERT_RETRY_MS)
    await alarm(key)
    expect(await received()).toHaveLength(2)
    await answer(200)
    later(2 * ALERT_RETRY_MS)
    await alarm(key)
    later(DAY_MS)
    await alarm(key)
    expect((await received()).map(({ body }) => body)).toEqual([failed?.body])
  })

  it('receives an alert although the account was evicted between the decision and the sending', async () => {
    const key = await issueKey(budgetOf(1))
    await book(key, 0.9)
    expect(await received()).toEqual([])
    await evictDurableObject(account(key))
    await alarm(key)
    expect(await budgets()).toEqual([[80, 1]])
    await evictDurableObject(account(key))
    await spend(key, 0.01)
    expect(await budgets()).toEqual([[80, 1]])
  })

  it('that fails for a day is given up, with one line in the log', { timeout: 20_000 }, async () => {
    await answer(503)
    const key = await issueKey(budgetOf(1))
    await book(key, 0.9)
    const log = recordLog()
    const endMs = Date.now() + ALERT_KEPT_MS + 3_600_000
    for (; Date.now() < endMs; later(600_000)) await alarm(key)
    const attempts = (await received()).length
    expect([attempts > 20, attempts < 60]).toEqual([true, true])
    const dropped = linesOf(log, 'trouble').filter(({ what }) => what === 'alert_dropped')
    expect(dropped).toMatchObject([{ cause: expect.stringContaining('the endpoint answered 503') }])
    await answer(200)
    later(DAY_MS)
    expect(await alarm(key)).toBe(false)
    expect(await received()).toEqual([])
  })

  it('that redirects is not followed', async () => {
    await answer(302)
    const key = await issueKey(budgetOf(1))
    await spend(key, 0.9)
    expect(await received()).toHaveLength(1)
  })

  it('is not called by a request, however slow it is', async () => {
    await answer('hang')
    const key = await issueKey(budgetOf(1))
    await book(key, 0.9)
    expect((await complete(key.secret)).status).toBe(200)
    expect(await received()).toEqual([])
  })

  it('receives a bounded number of alerts of a key a day, and the log tells of the others', async () => {
    const key = await issueKey(expiringIn(90))
    later(20 * DAY_MS)
    const log = recordLog()
    for (let i = 0; i < ALERTS_A_DAY_MAX + 5; i++) {
      await patch(key, expiringIn(1 + i / 10))
      await alarm(key)
    }
    expect(await received()).toHaveLength(ALERTS_A_DAY_MAX)
    expect(linesOf(log, 'trouble').filter(({ what }) => what === 'alert_dropped')).toHaveLength(5)
    later(60_000)
    await alarm(key)
    expect(await alarm(key)).toBe(false)
    later(DAY_MS)
    await patch(key, expiringIn(6))
    await alarm(key)
    expect(await received()).toHaveLength(ALERTS_A_DAY_MAX + 1)
  })
})
