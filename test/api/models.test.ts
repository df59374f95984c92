/** `GET /v1/models` and `GET /v1/models/{id}` list the models, which the var `MODELS` changes. */
import { createExecutionContext, reset } from 'cloudflare:test'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { app } from '../../src/app.ts'
import { linesOf, recordLog } from '../support/console.ts'
import { AT_ONCE, env, errorOf, HELLO, issueKey, send } from '../support/gateway.ts'

let secret: string
beforeEach(async () => {
  ;({ secret } = await issueKey())
})
afterEach(async () => {
  await reset()
})

it('lists the models in OpenAI’s shape, and requires a key', async () => {
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
  })
})

it.each(['o3-mini', 'openai/o3-mini', 'openai%2Fo3-mini'])('shows the model %s', async (id) => {
  const response = await send('GET', `/v1/models/${id}`, secret)
  expect(await response.json()).toMatchObject({ id: decodeURIComponent(id), object: 'model' })
})

it('answers 404 model_not_found for an unknown model', async () => {
  const response = await send('GET', '/v1/models/gpt-99', secret)
  expect([response.status, (await errorOf(response)).code]).toEqual([404, 'model_not_found'])
})

it('reads new names and new targets from the var MODELS', async () => {
  const MODELS = JSON.stringify({
    'o3-mini': 'openai/o4-mini',
    fast: {
      slug: 'openai/gpt-5-mini',
      usdPerMillionTokens: { input: 0.25, output: 2 },
      shutdownDate: '2027-01-01',
    },
  })
  const get = (path: string) =>
    app.request(path, { headers: { authorization: `Bearer ${secret}` } }, { ...env, MODELS })
  const list: { data: { id: string }[] } = await (await get('/v1/models')).json()
  expect(list.data.map(({ id }) => id)).toEqual(['o3-mini', 'o3-mini-2025-01-31', 'openai/o3-mini', 'fast'])
  expect(await (await get('/v1/models/fast')).json()).toMatchObject({
    owned_by: 'openai',
    shutdown_date: '2027-01-01',
  })
  expect(await (await get('/v1/models/o3-mini')).json()).toMatchObject({ shutdown_date: null })
})

it('logs one warning for each model whose shutdown date is near or past', async () => {
  const log = recordLog()
  const MODELS = JSON.stringify({
    near: {
      slug: 'vendor/near',
      shutdownDate: new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10),
    },
    past: { slug: 'vendor/past', shutdownDate: '2020-01-01' },
    far: { slug: 'vendor/far', shutdownDate: '2199-01-01' },
  })
  for (const model of ['near', 'past', 'far', 'near', 'past']) {
    const response = await app.request(
      '/v1/chat/completions',
      {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...HELLO, model, simulate: AT_ONCE }),
      },
      { ...env, MODELS },
      createExecutionContext(),
    )
    expect(response.status).toBe(200)
    await response.text()
  }
  const warnings = linesOf(log, 'trouble').map(({ what, cause }) => [what, String(cause).split(':')[0]])
  expect(warnings).toEqual([
    ['model_retirement', 'vendor/near'],
    ['model_retirement', 'vendor/past'],
  ])
})

it('answers /health without a key, KV or the upstream', async () => {
  const response = await app.request('/health', {}, {})
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({ status: 'ok' })
})

it('re-points the aliases of o3-mini with it, unless they have rows of their own', async () => {
  const slugsWith = async (models: Record<string, string>): Promise<unknown> => {
    for (const model of ['o3-mini', 'o3-mini-2025-01-31', 'openai/o3-mini']) {
      const body = JSON.stringify({ ...HELLO, model, simulate: { ...AT_ONCE, tag: 'alias' } })
      const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
      const context = createExecutionContext()
      const bindings = { ...env, MODELS: JSON.stringify(models) }
      const init = { method: 'POST', headers, body }
      const response = await app.request('/v1/chat/completions', init, bindings, context)
      expect(response.status).toBe(200)
      await response.text()
    }
    return (await env.AI.calls()).slice(-3).map(({ model }) => model)
  }
  expect(await slugsWith({ 'o3-mini': 'openai/o4-mini' })).toEqual([
    'openai/o4-mini',
    'openai/o4-mini',
    'openai/o4-mini',
  ])
  expect(await slugsWith({ 'o3-mini': 'openai/o4-mini', 'openai/o3-mini': 'openai/o3-mini' })).toEqual([
    'openai/o4-mini',
    'openai/o4-mini',
    'openai/o3-mini',
  ])
})
