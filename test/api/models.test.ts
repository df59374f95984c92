/** `GET /v1/models` and `GET /v1/models/{id}` list the models, which the var `MODELS` changes. */
import { evictDurableObject, reset, runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CORRECTION_PAUSES_MS } from '../../src/accounts/book-ends.ts'
import { app } from '../../src/app.ts'
import { DAY_MS } from '../../src/calendar.ts'
import { linesOf, recordLog } from '../support/console.ts'
import { AT_ONCE, complete, env, errorOf, HELLO, issueKey, send } from '../support/gateway.ts'
import { isolate, type Send } from '../support/isolate.ts'
import { usageAfter, usageOf } from '../support/usage.ts'

const START_MS = Date.UTC(2027, 0, 5)
/** What the log says of a move from o3-mini. */
const MOVE =
  'For example {"o3-mini":"openai/gpt-6-luna"}. Dollars for a million tokens of input and of output: openai/o3-mini 1.1 and 4.4, openai/gpt-6-luna 0.1 and 0.5,'

let secret: string
beforeEach(async () => {
  vi.useFakeTimers({ now: START_MS, toFake: ['Date'], shouldAdvanceTime: true })
  ;({ secret } = await issueKey())
})
afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

/** Asks with the var `MODELS`, in an isolate of its own. */
function askWith(models: Record<string, unknown>): Send {
  return isolate(undefined, { MODELS: JSON.stringify(models) })
}

function ask(send: Send, overrides: Record<string, unknown> = {}): Promise<Response> {
  return send('POST', '/v1/chat/completions', secret, { ...HELLO, simulate: AT_ONCE, ...overrides })
}

function dayIn(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10)
}

describe('the list', () => {
  it('has OpenAI’s shape with limits and prices, and requires a key', async () => {
    expect((await send('GET', '/v1/models', 'none')).status).toBe(401)
    const list: { object: string; data: Record<string, unknown>[] } = await (
      await send('GET', '/v1/models', secret)
    ).json()
    expect(list.object).toBe('list')
    expect(list.data.map(({ id }) => id)).toEqual(['o3-mini', 'o3-mini-2025-01-31', 'openai/o3-mini'])
    expect(list.data[0]).toEqual({
      id: 'o3-mini',
      object: 'model',
      created: expect.any(Number),
      owned_by: 'openai',
      shutdown_date: '2026-10-23',
      context_window: 200_000,
      max_output_tokens: 100_000,
      usd_per_million_tokens: { input: 1.1, cached_input: 0.55, cache_write: 1.1, output: 4.4 },
    })
  })

  it.each(['o3-mini', 'openai/o3-mini', 'openai%2Fo3-mini'])('has the model %s', async (id) => {
    const response = await send('GET', `/v1/models/${id}`, secret)
    expect(await response.json()).toMatchObject({ id: decodeURIComponent(id), object: 'model' })
  })

  it('has no unknown model: 404 model_not_found', async () => {
    const response = await send('GET', '/v1/models/gpt-99', secret)
    expect([response.status, (await errorOf(response)).code]).toEqual([404, 'model_not_found'])
  })
})

describe('the var MODELS', () => {
  it('moves o3-mini and its aliases with one line, limits and prices included', async () => {
    const send = askWith({ 'o3-mini': 'openai/gpt-6-luna' })
    for (const id of ['o3-mini', 'o3-mini-2025-01-31', 'openai/o3-mini']) {
      expect(await (await send('GET', `/v1/models/${id}`, secret)).json()).toMatchObject({
        id,
        shutdown_date: null,
        context_window: 1_050_000,
        max_output_tokens: 128_000,
        usd_per_million_tokens: {
          input: 0.1,
          cached_input: 0.01,
          cache_write: 0.125,
          output: 0.5,
          long_context: {
            above_tokens: 272_000,
            input: 0.2,
            cached_input: 0.02,
            cache_write: 0.25,
            output: 0.75,
          },
        },
      })
      expect((await ask(send, { model: id })).status).toBe(200)
      expect((await env.AI.calls()).at(-1)?.model).toBe('openai/gpt-6-luna')
    }
  })

  it('leaves an alias that has a row of its own where the row says', async () => {
    const send = askWith({ 'o3-mini': 'openai/gpt-6-luna', 'openai/o3-mini': 'openai/o3-mini' })
    await ask(send, { model: 'openai/o3-mini' })
    expect((await env.AI.calls()).at(-1)?.model).toBe('openai/o3-mini')
  })

  it('adds names behind the built-in ones', async () => {
    const send = askWith({ fast: { slug: 'openai/gpt-5.4-mini', shutdownDate: '2027-01-01' } })
    const list: { data: { id: string }[] } = await (await send('GET', '/v1/models', secret)).json()
    expect(list.data.map(({ id }) => id)).toEqual(['o3-mini', 'o3-mini-2025-01-31', 'openai/o3-mini', 'fast'])
    expect(await (await send('GET', '/v1/models/fast', secret)).json()).toMatchObject({
      owned_by: 'openai',
      shutdown_date: '2027-01-01',
    })
  })

  it('must give limits and prices of a slug that the catalog does not know, and the log names those missing', async () => {
    const log = recordLog()
    const row = { slug: 'vendor/x', contextTokens: 8_000, usdPerMillionTokens: { input: 1 } }
    const response = await ask(askWith({ fast: row }))
    expect([response.status, (await errorOf(response)).message]).toEqual([
      500,
      expect.stringContaining('MODELS'),
    ])
    expect(linesOf(log, 'request')[0]?.['reason']).toMatch(
      /fast.*vendor\/x.*: outputTokensMax, usdPerMillionTokens\.output$/,
    )
  })
})

describe('the bill', () => {
  const detailed = {
    prompt_tokens: 100_000,
    completion_tokens: 2_000,
    prompt_tokens_details: { cached_tokens: 50_000, cache_write_tokens: 20_000 },
  }

  it('has the prices of the model that serves the name: 30,000, 50,000 cached, 20,000 written, 2,000 out', async () => {
    const key = await issueKey()
    const send = askWith({ 'o3-mini': 'openai/gpt-6-luna' })
    const body = { ...HELLO, simulate: { ...AT_ONCE, usage: detailed } }
    await send('POST', '/v1/chat/completions', key.secret, body)
    const { total } = await usageAfter(key, 1)
    expect(total).toMatchObject({ promptTokens: 100_000, cachedTokens: 50_000, costUsd: 0.007 })
    expect(total).not.toHaveProperty('cacheWriteTokens')
  })

  it('has the long-context prices for a long prompt, streamed too', async () => {
    const key = await issueKey({ limits: { tokensPerMinute: 10_000_000 } })
    const send = askWith({ 'o3-mini': 'openai/gpt-6-luna' })
    const usage = { prompt_tokens: 300_000, completion_tokens: 1_000 }
    for (const stream of [false, true]) {
      const body = { ...HELLO, stream, simulate: { ...AT_ONCE, usage } }
      await send('POST', '/v1/chat/completions', key.secret, body)
    }
    expect((await usageAfter(key, 2)).total.costUsd).toBe(2 * 0.06075)
  })

  it('has the long-context prices where AI Gateway’s log corrects it, after an eviction too', async () => {
    const key = await issueKey()
    const send = askWith({ 'o3-mini': 'openai/gpt-6-luna' })
    const log = { entry: { tokens_in: 300_000, tokens_out: 1_000 } }
    await send('POST', '/v1/chat/completions', key.secret, {
      ...HELLO,
      simulate: { ...AT_ONCE, usage: null, log },
    })
    expect((await usageAfter(key, 1)).total).toMatchObject({ pending: 1 })
    await evictDurableObject(env.ACCOUNTS.getByName(key.id))
    vi.setSystemTime(Date.now() + CORRECTION_PAUSES_MS[0])
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(key.id))
    expect((await usageOf(key)).total).toMatchObject({ pending: 0, costUsd: 0.06075 })
  })
})

describe('the end of a model', () => {
  it('is one warning for each of 60, 14 and 1 days before it, and one after it', async () => {
    const log = recordLog()
    const send = askWith({
      'o3-mini': { slug: 'openai/gpt-5.4-mini', shutdownDate: dayIn(60) },
      far: { slug: 'openai/gpt-6-luna', shutdownDate: dayIn(80) },
    })
    for (const days of [0, 10, 46, 50, 59, 60, 100]) {
      vi.setSystemTime(START_MS + days * DAY_MS)
      for (let call = 0; call < 2; call++) await ask(send)
    }
    vi.setSystemTime(START_MS)
    await ask(send, { model: 'far' })
    const warnings = linesOf(log, 'trouble')
    expect(warnings.map(({ what, level }) => [what, level])).toEqual(
      Array.from({ length: 4 }, () => ['model_retirement', 'warn']),
    )
    for (const { cause } of warnings) expect(cause).toContain(`openai/gpt-5.4-mini: the vendor has announced`)
  })

  it('is told with the value to set, the successors and what they cost', async () => {
    const log = recordLog()
    await ask(askWith({}), { model: 'openai/o3-mini' })
    expect(linesOf(log, 'trouble').map(({ cause }) => cause)).toEqual([expect.stringContaining(MOVE)])
  })

  it('does not keep a call from the model, and a 404 says in the log what to set', async () => {
    const log = recordLog()
    expect((await complete(secret)).status).toBe(200)
    const error = { shape: 'openai', status: 404, code: 'model_not_found', message: 'deprecated' }
    const simulate = { ...AT_ONCE, error }
    for (const stream of [false, true]) {
      const response = await complete(secret, { stream, simulate })
      expect([response.status, (await errorOf(response)).code]).toEqual([404, 'model_not_found'])
    }
    const alerts = linesOf(log, 'request').flatMap(({ alert }) => alert ?? [])
    expect(alerts).toEqual([expect.stringContaining(MOVE), expect.stringContaining(MOVE)])
  })
})

describe('an answer of another model', () => {
  it.each([
    ['chat completions', '/v1/chat/completions', HELLO],
    ['responses', '/v1/responses', { model: 'o3-mini', input: 'Hello!' }],
  ])('is one warning, streamed or not: %s', async (_, path, smallest) => {
    for (const stream of [false, true]) {
      const log = recordLog()
      const send = askWith({ 'o3-mini': 'openai/gpt-6-luna' })
      for (const model of [undefined, 'gpt-6-luna-2026-09-23', 'gpt-6-sol', 'gpt-6-sol', 'o3']) {
        const simulate = { ...AT_ONCE, ...(model === undefined ? {} : { model }) }
        const response = await send('POST', path, secret, { ...smallest, stream, simulate })
        expect(await response.text()).toContain(`"model":"${model ?? 'gpt-6-luna'}"`)
      }
      expect(linesOf(log, 'trouble')).toEqual([
        {
          level: 'warn',
          event: 'trouble',
          what: 'model_replaced',
          cause: expect.stringMatching(/^openai\/gpt-6-luna: .*gpt-6-sol/),
        },
      ])
    }
  })
})

it('answers /health without a key, KV or the upstream', async () => {
  const response = await app.request('/health', {}, {})
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({ status: 'ok' })
})
