import { describe, expect, it } from 'vitest'
import { isolateOf } from '../../../src/isolate.ts'
import { admit, type Settlement } from '../../../src/limits/admission.ts'
import type { Limiter } from '../../../src/limits/decision.ts'
import type { Limits } from '../../../src/limits/limits.ts'
import { modelTable } from '../../../src/models.ts'
import { NOTHING } from '../../../src/records/usage-totals.ts'
import { env } from '../../support/gateway.ts'

const USAGE = { promptTokens: 100, cachedTokens: 0, completionTokens: 10, reasoningTokens: 0 }

let keys = 0

function requestWith(limits: Limits = {}) {
  const model = modelTable({}).get('o3-mini')
  if (model === undefined) throw new Error('no model')
  const keyId = `limitKey${String((keys += 1)).padStart(4, '0')}`
  return { keyId, limits, prices: model.prices, promptTokens: () => 8, tokenCap: undefined, choices: 1 }
}

const clock = (): number => Date.now()

/** The ledger's days after one request that was settled with each of these settlements. */
async function ledgerAfter(settlements: readonly Settlement[], limits: Limits = {}) {
  const isolate = isolateOf(env)
  const request = requestWith(limits)
  const work: Promise<unknown>[] = []
  const admission = await admit(request, isolate, clock, (promise) => void work.push(promise))
  if (!('settle' in admission)) throw new Error('refused')
  for (const settlement of settlements) admission.settle(settlement)
  await Promise.all(work)
  const days = (await isolate.ledger.look(request.keyId, '0000-00-00', '9999-99-99')).days()
  return [...days.values()]
}

describe('the charge of a request', () => {
  it.each<[string, Settlement, Record<string, number>]>([
    ['its usage', { usage: USAGE, failed: false }, { ...USAGE, costMicroUsd: 154 }],
    [
      'its usage, though it failed in the end',
      { usage: USAGE, failed: true },
      { ...USAGE, failures: 1, costMicroUsd: 154 },
    ],
    ['nothing when the model failed', { usage: null, failed: true }, { failures: 1 }],
    [
      'nothing when its usage is unknown, and the request is counted as unmetered',
      { usage: null, failed: false },
      { unmetered: 1 },
    ],
    [
      'at least the prompt’s estimate when its client disconnected',
      { usage: null, failed: false, seenTokens: 0 },
      { promptTokens: 8, costMicroUsd: 9 },
    ],
    [
      'the prompt’s estimate and the tokens seen when its stream broke',
      { usage: null, failed: true, seenTokens: 50 },
      { failures: 1, promptTokens: 8, completionTokens: 50, costMicroUsd: 229 },
    ],
  ])('is %s', async (_, settlement, expected) => {
    const limits = { tokensPerMinute: 10_000, budget: { usd: 1, period: 'day' } } as const
    for (const some of [{}, limits])
      expect(await ledgerAfter([settlement], some)).toEqual([{ ...NOTHING, requests: 1, ...expected }])
  })

  it('is booked once, however often the request is settled', async () => {
    const settlement = { usage: USAGE, failed: false }
    expect(await ledgerAfter([settlement, settlement, { usage: null, failed: true }])).toMatchObject([
      { requests: 1, failures: 0, promptTokens: 100 },
    ])
  })
})

it('waits for a limiter that answers with a promise', async () => {
  const state = { requests: { limit: 1, used: 1, remaining: 0, resetMs: 5 } }
  const refused = { admitted: false, reason: 'requests', limit: 1, used: 1, retryAfterMs: 5, state } as const
  const limiter: Limiter = {
    check: async () => refused,
    settle: () => undefined,
    peek: () => state,
  }
  const parts = { ...isolateOf(env), limiter }
  const admission = await admit(requestWith({ requestsPerMinute: 1 }), parts, clock, () => undefined)
  expect(admission).toEqual({ decision: refused })
})
