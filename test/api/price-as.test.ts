/** `priceAs` shows what usage would have cost on another model, beside what it has cost. */
import { reset, runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { NO_USAGE } from '../../src/accounts/ledger.ts'
import { ADMIN_TOKEN, AT_ONCE, complete, env, errorOf, issueKey, send } from '../support/gateway.ts'
import { isolate, type Send } from '../support/isolate.ts'
import { usageAfter } from '../support/usage.ts'

const TODAY = '2027-01-05'

afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

interface Row {
  date?: string
  model?: string
  id?: string
  costUsd: number
  pricedAsUsd?: number
  models?: Row[]
}
interface Answer {
  pricedAs?: object
  total: Row
  data: Row[]
  days: Row[]
  models: Row[]
}

async function ask(path: string, from: Send = send): Promise<Answer> {
  const response = await from('GET', path, ADMIN_TOKEN)
  expect(response.status).toBe(200)
  return response.json()
}

/** 600,000 prompt tokens that were read anew, 400,000 from the cache, and 100,000 completion tokens with 90,000 of reasoning. */
const SUMS = {
  ...NO_USAGE,
  date: TODAY,
  requests: 10,
  promptTokens: 1_000_000,
  cachedTokens: 400_000,
  completionTokens: 100_000,
  reasoningTokens: 90_000,
  costMicroUsd: 1_320_000,
}
/** On gpt-6-luna: 600,000 × 0.10 + 400,000 × 0.01 + 100,000 × 0.50 dollars a million. */
const LUNA_USD = 0.114

async function reportUsage(): Promise<void> {
  vi.useFakeTimers({ now: Date.parse(`${TODAY}T12:00:00Z`), toFake: ['Date'] })
  const directory = env.DIRECTORY.getByName('directory-1')
  const rows = [
    { ...SUMS, model: 'o3-mini' },
    { ...SUMS, model: 'fast' },
  ]
  await directory.reportUsage({ keyId: 'abcdefghijkl', revision: 1, rows })
}

describe('the usage of all keys', () => {
  it('has the cost on a catalog model in each row and in the total, beside the real cost', async () => {
    await reportUsage()
    for (const by of ['day', 'key', 'model']) {
      const { total, data } = await ask(`/admin/usage?from=${TODAY}&by=${by}&priceAs=openai/gpt-6-luna`)
      expect(total).toMatchObject({ costUsd: 2.64, pricedAsUsd: 2 * LUNA_USD })
      expect(data.map(({ costUsd, pricedAsUsd }) => [costUsd, pricedAsUsd])).toEqual(
        by === 'model'
          ? [
              [1.32, LUNA_USD],
              [1.32, LUNA_USD],
            ]
          : [[2.64, 2 * LUNA_USD]],
      )
    }
  })

  it('names the model, its prices, and the prices that sums cannot apply', async () => {
    const { pricedAs } = await ask('/admin/usage?priceAs=openai/gpt-6-luna')
    expect(pricedAs).toEqual({
      slug: 'openai/gpt-6-luna',
      usdPerMillionTokens: { input: 0.1, cachedInput: 0.01, output: 0.5 },
      leftOut: ['cacheWrite', 'longContext'],
    })
    expect((await ask('/admin/usage?priceAs=openai/o3')).pricedAs).toMatchObject({ leftOut: [] })
  })

  it('has no such cost unless it is asked for, and 0 where nothing was used', async () => {
    const without = await ask('/admin/usage')
    expect(without).not.toHaveProperty('pricedAs')
    expect(without.total).not.toHaveProperty('pricedAsUsd')
    expect((await ask('/admin/usage?priceAs=o3-mini')).total.pricedAsUsd).toBe(0)
  })

  it('takes a public name, with the prices that the operator has set for it', async () => {
    await reportUsage()
    const row = { slug: 'openai/gpt-6-luna', usdPerMillionTokens: { output: 1 } }
    const there = isolate(undefined, { MODELS: JSON.stringify({ fast: row }) })
    for (const name of ['fast', 'openai/gpt-6-luna']) {
      const { pricedAs, total } = await ask(`/admin/usage?from=${TODAY}&priceAs=${name}`, there)
      expect(pricedAs).toMatchObject({ slug: 'openai/gpt-6-luna', usdPerMillionTokens: { output: 1 } })
      expect(total.pricedAsUsd).toBe(2 * (LUNA_USD + 0.05))
    }
  })

  it.each(['gpt-99', '', 'openai/gpt-5.5'])(
    'refuses a model that is not known, or whose price is not: %o',
    async (name) => {
      for (const path of ['/admin/usage', '/admin/keys/LocalOffline/usage']) {
        const response = await send('GET', `${path}?priceAs=${name}`, ADMIN_TOKEN)
        expect([response.status, (await errorOf(response)).param]).toEqual([400, 'priceAs'])
      }
    },
  )
})

describe('the usage of a key', () => {
  it('has the cost on another model in the total, and in each day and model', async () => {
    const key = await issueKey()
    const usage = {
      prompt_tokens: 1_000_000,
      completion_tokens: 100_000,
      prompt_tokens_details: { cached_tokens: 400_000 },
    }
    await complete(key.secret, { simulate: { ...AT_ONCE, usage } })
    await usageAfter(key, 1)
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(key.id))
    const { pricedAs, total, models, days } = await ask(
      `/admin/keys/${key.id}/usage?priceAs=openai/gpt-6-luna`,
    )
    expect(pricedAs).toMatchObject({ slug: 'openai/gpt-6-luna' })
    const both = { costUsd: 1.32, pricedAsUsd: LUNA_USD }
    expect([total, models[0], days.at(-1), days.at(-1)?.models?.[0]]).toMatchObject([both, both, both, both])
    expect(days[0]).toMatchObject({ costUsd: 0, pricedAsUsd: 0 })
  })
})

describe('the operator’s list of models', () => {
  it('has each name with its slug, its end and its prices, and the successors of an ending model', async () => {
    const there = isolate(undefined, { MODELS: JSON.stringify({ fast: 'openai/gpt-6-luna' }) })
    const response = await there('GET', '/admin/models', ADMIN_TOKEN)
    const answer = await response.json<{ data: { id: string }[]; successors: string[] }>()
    expect(answer.data.map(({ id }) => id)).toEqual([
      'o3-mini',
      'o3-mini-2025-01-31',
      'openai/o3-mini',
      'fast',
    ])
    expect(answer.data[0]).toEqual({
      id: 'o3-mini',
      slug: 'openai/o3-mini',
      configuredAs: 'o3-mini',
      shutdownDate: '2026-10-23',
      usdPerMillionTokens: { input: 1.1, cachedInput: 0.55, output: 4.4 },
    })
    expect(answer.data.at(-1)).toMatchObject({ slug: 'openai/gpt-6-luna', shutdownDate: null })
    expect(answer.successors).toEqual(['openai/gpt-6-luna', 'openai/gpt-6.1-sol', 'openai/gpt-6-astra'])
  })
})
