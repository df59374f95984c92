/** Each end of a request of a key in a group is booked once with the key and once with the group. */
import { runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import type { Limits } from '../../src/limits/limits.ts'
import { startEachAt } from '../support/clean-state.ts'
import { AT_ONCE, complete, env, HELLO, type IssuedKey, respond, send } from '../support/gateway.ts'
import { accountNow, createGroup, keyIn, change, totalAfter, waitForAccount } from '../support/groups.ts'
import { isolate } from '../support/isolate.ts'

startEachAt(Date.UTC(2027, 0, 5, 12))

const USAGE = { prompt_tokens: 1_000, completion_tokens: 500 }
/** 1,000 × 1.10 + 500 × 4.40 dollars a million. */
const COST_MICRO_USD = 3_300
const LOGGED = { tokens_in: 1_000, tokens_out: 5_000 }
const LOGGED_MICRO_USD = 23_100
const GROUP: Limits = { concurrentRequests: 9, budget: { usd: 10, period: 'day' } }

const KEYS: [string, Limits][] = [
  ['its isolate', {}],
  ['its account', { concurrentRequests: 9 }],
]

/** The same sums of both, once the request is booked, and no place that is still taken. */
async function bookedByBoth(key: IssuedKey, group: string) {
  const ofGroup = await totalAfter(group, 1)
  expect(await totalAfter(key.id, 1)).toEqual(ofGroup)
  await waitForAccount(group, {
    status: { concurrentRequests: { used: 0 }, budget: { underWayMicroUsd: 0 } },
  })
  return ofGroup
}

describe.each(KEYS)('a request of a key in a group, decided by %s,', { timeout: 15_000 }, (_who, limits) => {
  async function keyAndGroup(): Promise<[IssuedKey, string]> {
    const group = await createGroup(GROUP)
    return [await keyIn(group, limits), group]
  }

  it.each<[string, typeof complete]>([
    ['chat completions', complete],
    ['Responses', respond],
  ])('is booked by its usage, whole and streamed, for %s', async (_api, ask) => {
    for (const stream of [false, true]) {
      const [key, group] = await keyAndGroup()
      await (await ask(key.secret, { stream, simulate: { ...AT_ONCE, usage: USAGE } })).text()
      expect(await bookedByBoth(key, group)).toMatchObject({
        failures: 0,
        refused: 0,
        promptTokens: 1_000,
        completionTokens: 500,
        costMicroUsd: COST_MICRO_USD,
      })
    }
  })

  it('is booked as a failure where the upstream refuses it', async () => {
    const [key, group] = await keyAndGroup()
    const error = { shape: 'cloudflare_errors', status: 429, code: 3040 }
    expect((await complete(key.secret, { simulate: { ...AT_ONCE, error } })).status).toBe(429)
    expect(await bookedByBoth(key, group)).toMatchObject({ failures: 1, costMicroUsd: 0 })
  })

  it('is priced where its client leaves while the model thinks', async () => {
    const [key, group] = await keyAndGroup()
    const leaving = new AbortController()
    const tag = crypto.randomUUID()
    const body = { ...HELLO, simulate: { ...AT_ONCE, thinkMs: 600_000, tag } }
    const left = send('POST', '/v1/chat/completions', key.secret, body, { signal: leaving.signal })
    await vi.waitFor(async () => expect((await env.AI.calls()).some((call) => call.tag === tag)).toBe(true), {
      timeout: 5_000,
    })
    leaving.abort()
    await expect(left).rejects.toThrow('aborted')
    const total = await bookedByBoth(key, group)
    expect(total.estimated).toBe(1)
    expect(total.costMicroUsd).toBeGreaterThan(0)
  })

  it('is priced where its stream is cut, and both learn the true cost from the log', async () => {
    const [key, group] = await keyAndGroup()
    const simulate = { ...AT_ONCE, chunks: 9, cut: 5, log: { entry: LOGGED } }
    await (await complete(key.secret, { stream: true, simulate })).text()
    const ofGroup = await totalAfter(group, 1)
    expect(ofGroup).toMatchObject({ failures: 1, pending: 1 })
    expect(await totalAfter(key.id, 1)).toEqual(ofGroup)
    vi.setSystemTime(Date.now() + 6_000)
    for (const id of [key.id, group]) {
      await runDurableObjectAlarm(env.ACCOUNTS.getByName(id))
      expect((await accountNow(id)).total).toMatchObject({ pending: 0, costMicroUsd: LOGGED_MICRO_USD })
    }
  })

  it('is priced where the model does not answer in time', async () => {
    const [key, group] = await keyAndGroup()
    const elsewhere = isolate(undefined, { UPSTREAM_TIMEOUT_SECONDS: 1 })
    const body = { ...HELLO, simulate: { hang: 'headers' } }
    expect((await elsewhere('POST', '/v1/chat/completions', key.secret, body)).status).toBe(504)
    expect(await bookedByBoth(key, group)).toMatchObject({ failures: 1, estimated: 1 })
  })

  it('is booked with each failed attempt where another model answers', async () => {
    const [key, group] = await keyAndGroup()
    const models = { 'o3-mini': { slug: 'openai/o3-mini', fallback: ['openai/gpt-6-luna'] } }
    const elsewhere = isolate(undefined, { MODELS: JSON.stringify(models) })
    const simulate = { ...AT_ONCE, endingOf: 'openai/o3-mini', error: { shape: 'openai', status: 503 } }
    const answer = await elsewhere('POST', '/v1/chat/completions', key.secret, { ...HELLO, simulate })
    expect([answer.status, answer.headers.get('x-gateway-model-requested')]).toEqual([200, 'o3-mini'])
    await waitForAccount(key.id, { total: { requests: 1, failures: 1 } })
    await waitForAccount(group, { total: (await accountNow(key.id)).total })
  })

  it('is settled where it was admitted, though the key was moved meanwhile', async () => {
    const [key, before] = await keyAndGroup()
    const after = await createGroup(GROUP)
    const held = await complete(key.secret, { stream: true, simulate: { ...AT_ONCE, chunks: 9, hang: 5 } })
    await waitForAccount(before, { status: { concurrentRequests: { used: 1 } } })
    await change(`/admin/keys/${key.id}`, { group: after })
    await held.body?.cancel()
    await totalAfter(before, 1)
    await waitForAccount(before, { status: { concurrentRequests: { used: 0 } } })
    expect((await accountNow(after)).total).toMatchObject({ requests: 0 })
  })
})
