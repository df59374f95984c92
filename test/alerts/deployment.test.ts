/** Alerts of the deployment as a whole: isolates and accounts see them, and one object sends each once. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { UNPUBLISHED_TOLD_MS } from '../../src/accounts/account-alerts.ts'
import { RAISE_RETRY_MS } from '../../src/alerts/raised-alerts.ts'
import { DAY_MS } from '../../src/calendar.ts'
import { startEachAt } from '../support/clean-state.ts'
import { recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, AT_ONCE, env, HELLO, issueKey, type IssuedKey, send } from '../support/gateway.ts'
import { isolate, type Send } from '../support/isolate.ts'
import { answer, payloads, received } from './receiving.ts'

// The frozen time is ahead of the runtime's clock, so that an alarm runs only where a test runs it.
startEachAt('2027-02-03T12:00:00Z')
beforeEach(async () => {
  recordLog()
  await answer(200)
})
const later = (ms: number) => vi.setSystemTime(Date.now() + ms)
const desk = () => env.DIRECTORY.getByName('alerts-1')
const account = ({ id }: IssuedKey) => env.ACCOUNTS.getByName(id)
/** A model whose end no one has announced: requests for it alert of nothing. */
const LASTING = { MODELS: '{"o3-mini":"openai/gpt-6-luna"}' }

const NO_CREDIT = { error: { shape: 'openai', status: 402 } }

async function ask(from: Send, { secret }: IssuedKey, simulate: object = {}): Promise<number> {
  const body = { ...HELLO, simulate: { ...AT_ONCE, ...simulate } }
  return (await from('POST', '/v1/chat/completions', secret, body)).status
}

describe('credit that is gone', () => {
  it('is told once a day, whatever number of isolates and requests see it', async () => {
    const key = await issueKey()
    for (const from of [isolate(undefined, LASTING), isolate(undefined, LASTING)])
      for (let i = 0; i < 3; i++) expect(await ask(from, key, NO_CREDIT)).toBe(429)
    expect(await received()).toEqual([])
    await runDurableObjectAlarm(desk())
    expect(await payloads()).toMatchObject([
      {
        id: 'no_credit:2027-02-03',
        type: 'no_credit',
        reason: expect.stringMatching(/^upstream_no_credit/),
        text: expect.stringContaining('add credit'),
      },
    ])
    await evictDurableObject(desk())
    const third = isolate(undefined, LASTING)
    await ask(third, key, NO_CREDIT)
    await runDurableObjectAlarm(desk())
    expect(await received()).toHaveLength(1)
    later(DAY_MS)
    await ask(third, key, NO_CREDIT)
    await runDurableObjectAlarm(desk())
    expect((await payloads()).map(({ id }) => id)).toEqual(['no_credit:2027-02-03', 'no_credit:2027-02-04'])
  })

  it('is told also where the model of another vendor answers in its place', async () => {
    const figures = {
      contextTokens: 1_000,
      outputTokensMax: 1_000,
      usdPerMillionTokens: { input: 1, output: 1 },
    }
    const models = {
      'o3-mini': { slug: 'openai/gpt-6-luna', fallback: ['other'] },
      other: { slug: 'vendor/x', ...figures },
    }
    const from = isolate(undefined, { MODELS: JSON.stringify(models) })
    const key = await issueKey()
    expect(await ask(from, key, { ...NO_CREDIT, endingOf: 'openai/gpt-6-luna' })).toBe(200)
    await runDurableObjectAlarm(desk())
    expect(await payloads()).toMatchObject([{ type: 'no_credit' }])
  })

  it('is told although the object of alerts failed at first, with a call a minute at most', async () => {
    const key = await issueKey()
    const from = isolate(undefined, LASTING)
    const getByName = vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation(() => {
      throw new Error('internal error')
    })
    for (let i = 0; i < 5; i++) await ask(from, key, NO_CREDIT)
    expect(getByName).toHaveBeenCalledTimes(1)
    getByName.mockRestore()
    later(RAISE_RETRY_MS)
    await ask(from, key, NO_CREDIT)
    await runDurableObjectAlarm(desk())
    expect(await payloads()).toMatchObject([{ type: 'no_credit' }])
  })

  it('is not taken from another failure of the model', async () => {
    const key = await issueKey()
    await ask(isolate(undefined, LASTING), key, { error: { shape: 'openai', status: 503 } })
    await runDurableObjectAlarm(desk())
    expect(await received()).toEqual([])
  })
})

it('a model that ends is told within 60, 14 and 1 days and once it has ended, once each', async () => {
  const key = await issueKey()
  const MODELS = '{"o3-mini":{"slug":"openai/gpt-5.4-nano","shutdownDate":"2027-04-10"}}'
  const isolates = [isolate(undefined, { MODELS }), isolate(undefined, { MODELS })]
  for (const date of ['02-08', '02-09', '03-20', '03-28', '03-29', '04-09', '04-10', '04-11']) {
    vi.setSystemTime(Date.parse(`2027-${date}T12:00:00Z`))
    for (const from of isolates) await ask(from, key)
    await runDurableObjectAlarm(desk())
  }
  expect(await payloads()).toMatchObject([
    { type: 'model_ends', model: 'openai/gpt-5.4-nano', shutdownDate: '2027-04-10', withinDays: 60 },
    { type: 'model_ends', withinDays: 14, at: expect.stringMatching(/^2027-03-28/) },
    { type: 'model_ends', withinDays: 1, at: expect.stringMatching(/^2027-04-09/) },
    { type: 'model_ends', withinDays: 0, text: expect.stringContaining('ended on 2027-04-10') },
  ])
})

describe('accounts that cannot publish', () => {
  it('to KV for 5 minutes are one alert a day, however many they are', async () => {
    const keys = [await issueKey({ name: 'one' }), await issueKey({ name: 'two' })]
    const put = vi.spyOn(env.KV, 'put').mockRejectedValue(new Error('KV PUT failed: 500'))
    later(10_000)
    for (const { id } of keys) await send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, { disabled: true })
    later(UNPUBLISHED_TOLD_MS - 60_000)
    for (const key of keys) await runDurableObjectAlarm(account(key))
    await runDurableObjectAlarm(desk())
    expect(await received()).toEqual([])
    later(60_000)
    for (const key of keys) await runDurableObjectAlarm(account(key))
    await runDurableObjectAlarm(desk())
    expect(await payloads()).toMatchObject([
      { id: 'unpublished:kv:2027-02-03', type: 'unpublished', target: 'kv', key: { name: 'one' } },
    ])
    put.mockRestore()
    later(DAY_MS)
    for (const key of keys) await runDurableObjectAlarm(account(key))
    later(UNPUBLISHED_TOLD_MS)
    for (const key of keys) await runDurableObjectAlarm(account(key))
    await runDurableObjectAlarm(desk())
    expect(await received()).toHaveLength(1)
  })

  it('to the directory are told by an object that is not the directory', async () => {
    const real = env.DIRECTORY.getByName.bind(env.DIRECTORY)
    vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation((name) => {
      if (name !== 'alerts-1') throw new Error('internal error')
      return real(name)
    })
    const key = await issueKey()
    later(UNPUBLISHED_TOLD_MS)
    await runDurableObjectAlarm(account(key))
    await runDurableObjectAlarm(real('alerts-1'))
    expect(await payloads()).toMatchObject([
      { type: 'unpublished', target: 'directory', key: { id: key.id } },
    ])
  })
})
