import { createExecutionContext } from 'cloudflare:test'
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { chatCompletions } from '../../../src/apis/chat-completions.ts'
import type { Gateway } from '../../../src/context.ts'
import { configOf, isolateOf } from '../../../src/isolate.ts'
import { modelTable } from '../../../src/models.ts'
import { NOTHING } from '../../../src/records/usage-totals.ts'
import { admit } from '../../../src/stages/admit.ts'
import { fail } from '../../../src/stages/fail.ts'
import { env } from '../../support/gateway.ts'

it('admit settles a request as failed when a later stage throws', async () => {
  const id = 'admitStage01'
  const app = new Hono<Gateway>()
  app.onError(fail)
  app.use(async (c, next) => {
    const model = modelTable({}).get('o3-mini')
    if (model === undefined) throw new Error('the model table has no o3-mini')
    c.set('config', configOf(env))
    c.set('responseHeaders', {})
    c.set('log', {})
    c.set('key', {
      id,
      name: 'test',
      createdAt: '2026-01-01T00:00:00Z',
      expiresAt: null,
      disabled: false,
      limits: {},
    })
    c.set('limits', {})
    c.set('model', model)
    c.req.addValidatedData('json', { model: 'o3-mini', messages: [{ role: 'user', content: 'Hi' }] })
    await next()
  })
  app.post('/', admit(chatCompletions) as never, () => {
    throw new Error('unexpected')
  })
  await app.request('/', { method: 'POST' }, env, createExecutionContext())
  const days = (await isolateOf(env).ledger.look(id, '0000-00-00', '9999-99-99')).days()
  expect([...days.values()]).toEqual([{ ...NOTHING, requests: 1, failures: 1 }])
})
