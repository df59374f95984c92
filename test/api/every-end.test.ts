/** Every end of a request is priced: by the usage, or by what is expected until AI Gateway's log has spoken. */
import { evictDurableObject, reset, runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CORRECTION_PAUSES_MS } from '../../src/accounts/book-ends.ts'
import { AT_ONCE, complete, env, HELLO, type IssuedKey, issueKey, respond, send } from '../support/gateway.ts'
import { isolate } from '../support/isolate.ts'
import { MORE_EVENTS_THAN_CHAT } from '../support/upstream-kind.ts'
import { type Totals, usageAfter, usageOf } from '../support/usage.ts'

/** The usage that AI Gateway's log has: most of it is reasoning, which no stream shows. */
const LOGGED = { tokens_in: 1_000, tokens_out: 5_000 }
/** 1,000 × 1.10 + 5,000 × 4.40 dollars a million. */
const TRUE_USD = 0.0231
const BUDGET = { budget: { usd: 10, period: 'day' } }

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2027, 0, 5, 12), toFake: ['Date'], shouldAdvanceTime: true })
})

afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

/** Lets the account ask the log, `elapsedMs` after the last question. */
async function askLog({ id }: IssuedKey, elapsedMs: number): Promise<Totals> {
  vi.setSystemTime(Date.now() + elapsedMs)
  await runDurableObjectAlarm(env.ACCOUNTS.getByName(id))
  return (await usageOf({ id })).total
}

/** Reads so many events of a stream, and leaves. */
async function leaveAfter(response: Response, events: number): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  for (let seen = ''; seen.split('\n\n').length <= events;) {
    const next = await reader?.read()
    if (next === undefined || next.done) throw new Error('the stream ended before')
    seen += next.value
  }
  await reader?.cancel()
}

describe('a client that has read all content and left before the usage', () => {
  /** The role, and twenty words. */
  const CONTENT_EVENTS = 21
  const simulate = {
    ...AT_ONCE,
    chunks: 20,
    hang: CONTENT_EVENTS + MORE_EVENTS_THAN_CHAT,
    log: { entry: LOGGED },
  }

  it('pays the true price once the log has spoken', async () => {
    const key = await issueKey({ limits: BUDGET })
    await leaveAfter(await complete(key.secret, { stream: true, simulate }), CONTENT_EVENTS)
    const { total: first } = await usageAfter(key, 1)
    expect(first).toMatchObject({ pending: 1, estimatedUsd: first.costUsd })
    expect(first.costUsd).toBeGreaterThan(0)
    const corrected = await askLog(key, 5_000)
    expect(corrected).toMatchObject({ pending: 0, estimated: 0, costUsd: TRUE_USD, estimatedUsd: 0 })
  })

  it('pays the expected price for good where there is no log', async () => {
    const key = await issueKey({ limits: BUDGET })
    const body = { stream: true, simulate: { ...simulate, log: { missing: true } } }
    await leaveAfter(await complete(key.secret, body), CONTENT_EVENTS)
    await usageAfter(key, 1)
    for (const pauseMs of CORRECTION_PAUSES_MS) await askLog(key, pauseMs)
    const { total } = await usageOf(key)
    expect(total).toMatchObject({ pending: 0, estimated: 1, estimatedUsd: total.costUsd })
    expect(total.reasoningTokens).toBeGreaterThan(0)
  })
})

describe('a request is priced', () => {
  it('where its client leaves while the model thinks', async () => {
    const key = await issueKey({ limits: BUDGET })
    const leaving = new AbortController()
    const tag = crypto.randomUUID()
    const body = { ...HELLO, simulate: { ...AT_ONCE, thinkMs: 600_000, tag } }
    const left = send('POST', '/v1/chat/completions', key.secret, body, { signal: leaving.signal })
    await vi.waitFor(async () => expect((await env.AI.calls()).some((call) => call.tag === tag)).toBe(true))
    leaving.abort()
    await expect(left).rejects.toThrow('aborted')
    const { total } = await usageAfter(key, 1)
    expect(total.estimated).toBe(1)
    expect(total.costUsd).toBeGreaterThan(0)
  })

  it('where the upstream breaks off in its stream', async () => {
    const key = await issueKey({ limits: BUDGET })
    const simulate = { ...AT_ONCE, chunks: 9, cut: 5, log: { entry: LOGGED } }
    await (await complete(key.secret, { stream: true, simulate })).text()
    expect((await usageAfter(key, 1)).total).toMatchObject({ failures: 1, pending: 1 })
    expect(await askLog(key, 5_000)).toMatchObject({ failures: 1, costUsd: TRUE_USD })
  })

  it('where the upstream breaks off in a JSON answer', async () => {
    const key = await issueKey({ limits: BUDGET })
    const simulate = { ...AT_ONCE, cut: 0, log: { entry: LOGGED } }
    expect((await complete(key.secret, { simulate })).status).toBe(502)
    await usageAfter(key, 1)
    expect(await askLog(key, 5_000)).toMatchObject({ failures: 1, costUsd: TRUE_USD })
  })

  it('where the model does not answer in time, by the time that it had', async () => {
    // A frozen clock that is advanced by a timer falls behind on a busy machine.
    vi.useRealTimers()
    const key = await issueKey({ limits: BUDGET })
    const elsewhere = isolate(undefined, { UPSTREAM_TIMEOUT_SECONDS: 1 })
    const body = { ...HELLO, simulate: { hang: 'headers' } }
    expect((await elsewhere('POST', '/v1/chat/completions', key.secret, body)).status).toBe(504)
    const { total } = await usageAfter(key, 1)
    // 150 tokens a second is the first guess. The frozen clock goes on in steps, and so can be behind.
    expect(total).toMatchObject({ failures: 1, estimated: 1 })
    expect(total.completionTokens).toBeGreaterThanOrEqual(50)
  })

  it('where the answer has no usage, or is too large to be read for one', async () => {
    const key = await issueKey()
    await complete(key.secret, { simulate: { ...AT_ONCE, usage: null, log: { entry: LOGGED } } })
    expect((await usageAfter(key, 1)).total).toMatchObject({ pending: 1 })
    expect(await askLog(key, 5_000)).toMatchObject({ pending: 0, costUsd: TRUE_USD })
  })

  it.each([
    ['chat', complete],
    ['responses', respond],
  ])('where nothing reads its stream: %s', async (_api, ask) => {
    const key = await issueKey({ limits: { requestsPerMinute: 5 } })
    await (await ask(key.secret, { stream: true, simulate: { ...AT_ONCE, log: { entry: LOGGED } } })).text()
    expect((await usageAfter(key, 1)).total).toMatchObject({ pending: 1 })
    expect(await askLog(key, 5_000)).toMatchObject({ pending: 0, costUsd: TRUE_USD })
  })

  it('at nothing, where AI Gateway’s cache answers, metered or not', async () => {
    const simulate = { ...AT_ONCE, headers: { 'cf-aig-cache-status': 'HIT' } }
    const [metered, unmetered] = [await issueKey({ limits: BUDGET }), await issueKey()]
    for (const key of [metered, unmetered]) {
      await (await complete(key.secret, { simulate })).text()
      await (await complete(key.secret, { stream: true, simulate })).text()
      await usageAfter(key, 2)
      expect(await askLog(key, 5_000)).toMatchObject({ requests: 2, pending: 0, costUsd: 0 })
    }
  })

  it('though METER_STREAMS is never and AI Gateway keeps no log', async () => {
    const vars = { METER_STREAMS: 'never', AI_GATEWAY_COLLECT_LOG: 'false' }
    const usage = { prompt_tokens: 1_000, completion_tokens: 5_000 }
    const body = { ...HELLO, stream: true, simulate: { ...AT_ONCE, usage } }
    for (const limits of [BUDGET, { tokensPerMinute: 1_000_000 }]) {
      const key = await issueKey({ limits })
      await (await isolate(undefined, vars)('POST', '/v1/chat/completions', key.secret, body)).text()
      expect((await usageAfter(key, 1)).total).toMatchObject({ costUsd: TRUE_USD, estimated: 0 })
    }
  })
})

describe('the log', () => {
  const streamed = async (log: object): Promise<IssuedKey> => {
    const key = await issueKey()
    await (await complete(key.secret, { stream: true, simulate: { ...AT_ONCE, log } })).text()
    await usageAfter(key, 1)
    return key
  }

  it('is asked again where its entry comes late', async () => {
    const key = await streamed({ entry: LOGGED, delayMs: 20_000 })
    expect(await askLog(key, 5_000)).toMatchObject({ pending: 1 })
    expect(await askLog(key, 30_000)).toMatchObject({ pending: 0, costUsd: TRUE_USD })
  })

  it('is asked after a restart of the account too', async () => {
    const key = await streamed({ entry: LOGGED })
    await evictDurableObject(env.ACCOUNTS.getByName(key.id))
    expect(await askLog(key, 5_000)).toMatchObject({ pending: 0, costUsd: TRUE_USD })
  })

  it.each([
    [{ tokens_in: '12' }],
    [{ tokens_in: -1 }],
    [{ tokens_out: 1.5 }],
    [{ tokens_out: null }],
    [{ tokens_out: 1e300 }],
  ])('is no answer with the figures %o', async (entry) => {
    const key = await streamed({ entry: { ...LOGGED, ...entry } })
    expect(await askLog(key, 5_000)).toMatchObject({ pending: 1 })
  })

  it('that hangs does not keep the account from its other work', async () => {
    const key = await streamed({ hang: true })
    await (
      await complete(key.secret, { stream: true, simulate: { ...AT_ONCE, log: { entry: LOGGED } } })
    ).text()
    await usageAfter(key, 2)
    expect(await askLog(key, 5_000)).toMatchObject({ requests: 2, pending: 1 })
  }, 15_000)
})
