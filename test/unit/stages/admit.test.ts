import { createExecutionContext } from 'cloudflare:test'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { Ending, Gateway } from '../../../src/context.ts'
import { configOf } from '../../../src/config.ts'
import { memoryOf } from '../../../src/isolate.ts'
import { modelTable } from '../../../src/models.ts'
import type { ApiKey, Limits } from '../../../src/keys/api-key.ts'
import { NOTHING } from '../../../src/records/usage-totals.ts'
import { fail } from '../../../src/stages/fail.ts'
import { limit } from '../../../src/stages/admit.ts'
import { env } from '../../support/gateway.ts'

/** 20 characters: 5 tokens, and 3 for the message. */
const MESSAGES = [{ role: 'user', content: '12345678901234567890' }]
const USAGE = { promptTokens: 100, cachedTokens: 0, completionTokens: 10, reasoningTokens: 0 }

let keys = 0

/** What the ledger holds after a request whose answer ended in these ways. */
async function ledgerAfter(endings: readonly Ending[], limits: Limits = {}) {
  const id = `limitKey${String((keys += 1)).padStart(4, '0')}`
  const app = new Hono<Gateway>()
  app.onError(fail)
  app.use(async (c, next) => {
    const model = modelTable({}).get('o3-mini')
    if (model === undefined) throw new Error('no model')
    const key: ApiKey = {
      id,
      name: 'test',
      createdAt: '2026-01-01T00:00:00Z',
      expiresAt: null,
      disabled: false,
      limits,
      secretSha256: '',
      previous: null,
    }
    c.set('config', configOf(env))
    c.set('answerHeaders', {})
    c.set('log', {})
    c.set('key', key)
    c.set('model', model)
    c.req.addValidatedData('json', { model: 'o3-mini', messages: MESSAGES })
    await next()
  })
  app.post('/', limit() as never, (c) => {
    for (const ending of endings) c.get('settle')(ending)
    if (endings.length === 0) throw new Error('unforeseen')
    return c.text('')
  })
  await app.request('/', { method: 'POST' }, env, createExecutionContext())
  const days = (await memoryOf(env.KV).ledger.look(id, '0000-00-00', '9999-99-99')).days()
  return [...days.values()]
}

describe('what a request is charged', () => {
  it.each<[string, Ending, Record<string, number>]>([
    ['its usage', { usage: USAGE, failed: false }, { ...USAGE, costMicroUsd: 154 }],
    [
      'its usage, though it failed in the end',
      { usage: USAGE, failed: true },
      { ...USAGE, failures: 1, costMicroUsd: 154 },
    ],
    ['nothing when the model failed it', { usage: null, failed: true }, { failures: 1 }],
    ['nothing when nobody knows, and it is counted so', { usage: null, failed: false }, { unmetered: 1 }],
    [
      'the prompt’s estimate at least when its client left',
      { usage: null, failed: false, seenTokens: 0 },
      { promptTokens: 8, costMicroUsd: 9 },
    ],
    [
      'the prompt’s estimate and what was seen when its stream broke',
      { usage: null, failed: true, seenTokens: 50 },
      { failures: 1, promptTokens: 8, completionTokens: 50, costMicroUsd: 229 },
    ],
  ])('is %s', async (_, ending, expected) => {
    const limits = { tokensPerMinute: 10_000, budget: { usd: 1, period: 'day' } } as const
    for (const some of [{}, limits])
      expect(await ledgerAfter([ending], some)).toEqual([{ ...NOTHING, requests: 1, ...expected }])
  })

  it('is charged once, however often it is told', async () => {
    const ending = { usage: USAGE, failed: false }
    expect(await ledgerAfter([ending, ending, { usage: null, failed: true }])).toMatchObject([
      { requests: 1, failures: 0, promptTokens: 100 },
    ])
  })

  it('is settled where a later stage throws before it does so itself', async () => {
    expect(await ledgerAfter([])).toEqual([{ ...NOTHING, requests: 1, failures: 1 }])
  })
})
