import { createExecutionContext, reset, waitOnExecutionContext } from 'cloudflare:test'
import { Hono } from 'hono'
import { afterEach, expect, it } from 'vitest'
import { chatCompletions } from '../../../src/apis/chat-completions.ts'
import type { Gateway } from '../../../src/context.ts'
import { configOf } from '../../../src/isolate.ts'
import { modelTable } from '../../../src/models/table.ts'
import { admit } from '../../../src/stages/admit.ts'
import { fail } from '../../../src/stages/fail.ts'
import { env, issueKey } from '../../support/gateway.ts'
import { usageOf } from '../../support/usage.ts'

afterEach(reset)

it('admit settles a request as failed when a later stage throws', async () => {
  const { id } = await issueKey()
  const app = new Hono<Gateway>()
  app.onError(fail)
  app.use(async (c, next) => {
    const model = modelTable({}).get('o3-mini')
    if (model === undefined) throw new Error('the model table has no o3-mini')
    const key = { id, name: 'test', createdAt: '2026-01-01T00:00:00Z', expiresAt: null, disabled: false }
    c.set('config', configOf(env))
    c.set('requestId', 'req_1')
    c.set('responseHeaders', {})
    c.set('log', {})
    c.set('key', { ...key, limits: {} })
    c.set('secretSha256', '')
    c.set('limits', {})
    c.set('models', [model])
    c.set('asked', { bodyBytes: 99, hasContentElsewhere: false, tokenCap: undefined, choices: 1 })
    c.req.addValidatedData('json', { model: 'o3-mini', messages: [{ role: 'user', content: 'Hi' }] })
    await next()
  })
  app.post('/', admit(chatCompletions) as never, () => {
    throw new Error('unexpected')
  })
  const context = createExecutionContext()
  await app.request('/', { method: 'POST' }, env, context)
  await waitOnExecutionContext(context)
  expect((await usageOf({ id })).total).toMatchObject({ requests: 1, failures: 1, costUsd: 0 })
})
