/** A key can be held to some of the models. */
import { reset } from 'cloudflare:test'
import { afterEach, describe, expect, it } from 'vitest'
import { KEY_MODELS_MAX } from '../../src/admin/requests.ts'
import { linesOf, recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, complete, env, errorOf, issueKey, respond, send } from '../support/gateway.ts'
import { isolate } from '../support/isolate.ts'

afterEach(async () => {
  await reset()
})

const TWO_MODELS = '{"luna":"openai/gpt-6-luna"}'
const readKv = (name: string) => env.KV.get(name)

/** An isolate that also has the model `luna`. */
const withLuna = () => isolate(readKv, { MODELS: TWO_MODELS })

async function modelsOf(response: Response): Promise<string[]> {
  return (await response.json<{ data: { id: string }[] }>()).data.map(({ id }) => id)
}

async function issueFor(models: readonly string[]): Promise<{ id: string; secret: string }> {
  const response = await withLuna()('POST', '/admin/keys', ADMIN_TOKEN, { name: 'a', models })
  expect(response.status).toBe(201)
  return response.json()
}

describe('a key with models', () => {
  it('gets 404 for any other model, as for one that does not exist, and the log tells them apart', async () => {
    const log = recordLog()
    const { secret } = await issueFor(['luna'])
    const refused = [
      await complete(secret),
      await respond(secret),
      await complete(secret, { model: 'gpt-x' }),
    ]
    const errors = await Promise.all(refused.map(errorOf))
    expect(refused.map(({ status }) => status)).toEqual([404, 404, 404])
    expect(errors.map(({ code }) => code)).toEqual(Array(3).fill('model_not_found'))
    expect(errors[0]?.message.replace('o3-mini', 'gpt-x')).toBe(errors[2]?.message)
    expect(linesOf(log, 'request').flatMap(({ status, reason }) => (status === 404 ? [reason] : []))).toEqual(
      ['model_not_allowed', 'model_not_allowed', 'model_not_found'],
    )
  })

  it('sees these alone in GET /v1/models', async () => {
    const { secret } = await issueFor(['luna'])
    const send = withLuna()
    expect(await modelsOf(await send('GET', '/v1/models', secret))).toEqual(['luna'])
    expect((await send('GET', '/v1/models/luna', secret)).status).toBe(200)
    const other = await send('GET', '/v1/models/o3-mini', secret)
    expect([other.status, (await errorOf(other)).code]).toEqual([404, 'model_not_found'])
  })

  it('may use the dated and the prefixed name of o3-mini where it may use o3-mini, and not the other way round', async () => {
    const whole = await issueKey({ models: ['o3-mini'] })
    const dated = await issueKey({ models: ['o3-mini-2025-01-31'] })
    const aliases = ['o3-mini', 'o3-mini-2025-01-31', 'openai/o3-mini']
    const statuses = async (secret: string) => {
      const answers = []
      for (const model of aliases) answers.push((await complete(secret, { model })).status)
      return answers
    }
    expect(await statuses(whole.secret)).toEqual([200, 200, 200])
    expect(await statuses(dated.secret)).toEqual([404, 200, 404])
    expect(await modelsOf(await send('GET', '/v1/models', whole.secret))).toEqual(aliases)
  })

  it('loses a model that disappears from MODELS, and never gets another one for it', async () => {
    const { id, secret } = await issueFor(['luna'])
    expect(await modelsOf(await send('GET', '/v1/models', secret))).toEqual([])
    const renamed = await send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, { name: 'b' })
    expect(await renamed.json()).toMatchObject({ name: 'b', models: ['luna'] })
  })

  it('may use all again after null', async () => {
    const { id, secret } = await issueFor(['luna'])
    expect((await complete(secret)).status).toBe(404)
    const response = await send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, { models: null })
    expect(await response.json()).not.toHaveProperty('models')
    expect((await complete(secret)).status).toBe(200)
  })

  it('is shown with them in its view, in the list and in its copy in KV', async () => {
    const { id } = await issueKey({ models: ['o3-mini'] })
    const view = await (await send('GET', `/admin/keys/${id}`, ADMIN_TOKEN)).json()
    const list = await (await send('GET', '/admin/keys', ADMIN_TOKEN)).json()
    const copy = JSON.parse((await env.KV.get(`key:${id}`)) ?? '')
    for (const shown of [view, copy]) expect(shown).toMatchObject({ models: ['o3-mini'] })
    expect(list).toMatchObject({ data: [{ id, models: ['o3-mini'] }] })
  })
})

describe('models that are wrong', () => {
  it.each([
    ['an unknown name', ['o3-mini', 'o4'], 'models[1]'],
    ['a name of every object', ['__proto__'], 'models[0]'],
    ['a number', [1], 'models[0]'],
    ['an empty list', [], 'models'],
    ['too many', Array<string>(KEY_MODELS_MAX + 1).fill('o3-mini'), 'models'],
    ['no list', 'o3-mini', 'models'],
  ])('as %s are a 400 that names them', async (_what, models, param) => {
    const { id } = await issueKey()
    for (const response of [
      await send('POST', '/admin/keys', ADMIN_TOKEN, { name: 'a', models }),
      await send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, { models }),
    ]) {
      expect(response.status).toBe(400)
      expect((await errorOf(response)).param).toBe(param)
    }
  })
})
