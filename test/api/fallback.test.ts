/** Another model answers where the requested one fails, if the operator has named one, and everybody is told. */
import { createExecutionContext, reset, waitOnExecutionContext } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { app } from '../../src/app.ts'
import { RETIRED_MS } from '../../src/models/retired-models.ts'
import { linesOf, recordLog } from '../support/console.ts'
import {
  ADMIN_TOKEN,
  AT_ONCE,
  BASE_URL,
  env,
  errorOf,
  HELLO,
  type IssuedKey,
  issueKey,
} from '../support/gateway.ts'
import { isolate, type Send } from '../support/isolate.ts'
import { type KeyUsageAnswer, usageAfter, usageOf } from '../support/usage.ts'

const FIRST = 'openai/o3-mini'
const SECOND = 'openai/gpt-6-luna'
const THIRD = 'openai/gpt-5.6-luna'
/** The simulator plays it as retired. */
const GONE = 'openai/o4-mini'
const FIGURES = { contextTokens: 1_000_000, outputTokensMax: 100_000 }
const OTHER_VENDOR = { slug: 'vendor/x', ...FIGURES, usdPerMillionTokens: { input: 50, output: 200 } }
const USAGE = { prompt_tokens: 1_000, completion_tokens: 1_000 }
const SMALLEST = {
  '/v1/chat/completions': { messages: HELLO.messages },
  '/v1/responses': { input: 'Hello!' },
}
type Path = keyof typeof SMALLEST

let key: IssuedKey
beforeEach(async () => {
  vi.useFakeTimers({ now: Date.UTC(2027, 0, 5, 12), toFake: ['Date'], shouldAdvanceTime: true })
  key = await issueKey()
})
afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

/** An isolate whose o3-mini falls back to these models. */
function withFallback(fallback: readonly string[], vars: Record<string, unknown> = {}, slug = FIRST): Send {
  const models = { 'o3-mini': { slug, fallback }, other: OTHER_VENDOR }
  return isolate(undefined, { MODELS: JSON.stringify(models), ...vars })
}

interface Asking {
  secret?: string
  path?: Path
  send?: Send
  body?: Record<string, unknown>
}

/** Asks while the model `FIRST` fails with this ending. */
async function ask(ending: Record<string, unknown>, asking: Asking = {}) {
  const { secret = key.secret, path = '/v1/chat/completions', send = withFallback([SECOND]), body } = asking
  const tag = crypto.randomUUID()
  const simulate = { ...AT_ONCE, endingOf: FIRST, ...ending, tag }
  const response = await send('POST', path, secret, {
    model: 'o3-mini',
    ...SMALLEST[path],
    ...body,
    simulate,
  })
  const calls = (await env.AI.calls()).filter((call) => call.tag === tag)
  return { response, calls, slugs: calls.map(({ model }) => model) }
}

const status = (code: number, fields: Record<string, unknown> = {}) => ({
  error: { shape: 'openai', status: code, ...fields },
})
const told = ({ headers }: Response) => [
  headers.get('x-gateway-model-requested'),
  headers.get('x-gateway-fallback'),
]

describe.each([
  ['/v1/chat/completions', false],
  ['/v1/chat/completions', true],
  ['/v1/responses', false],
  ['/v1/responses', true],
] as const)('%s, streamed: %s', (path, stream) => {
  const asked = (ending: Record<string, unknown>, asking: Asking = {}) =>
    ask(ending, { path, ...asking, body: { stream, ...asking.body } })

  it.each<[string, Record<string, unknown>, string]>([
    ['no such model', status(404), 'model_not_found'],
    ['a retired model', { error: { shape: 'cloudflare_errors', code: 5028 } }, 'model_not_found'],
    ['429 of the vendor', status(429), 'rate_limit_exceeded'],
    ['500', status(500), 'upstream_error'],
    ['503', status(503), 'overloaded'],
    ['no connection', { throw: 'Network connection lost.' }, 'upstream_error'],
    ['nothing at all', { undefined: true }, 'upstream_error'],
    ['an answer that breaks before its output', { cut: 0 }, 'upstream_error'],
  ])('tries on at %s, and tells', async (_name, ending, reason) => {
    const { response, slugs } = await asked(ending)
    expect([response.status, slugs, told(response)]).toEqual([
      200,
      [FIRST, SECOND],
      ['o3-mini', `1;reason=${reason}`],
    ])
    expect(await response.text()).toContain('"model":"gpt-6-luna"')
  })

  it('tries on where no output comes in time, and all share one deadline', async () => {
    const send = withFallback([SECOND], { UPSTREAM_TIMEOUT_SECONDS: 2, STREAM_KEEPALIVE_SECONDS: 0 })
    const { response } = await asked({ hang: true }, { send })
    expect([response.status, told(response)]).toEqual([200, ['o3-mini', '1;reason=timeout']])
    const late = await asked({ hang: 'headers', endingOf: undefined }, { send })
    expect([late.response.status, (await errorOf(late.response)).code]).toEqual([504, 'timeout'])
    expect(late.slugs).toEqual([FIRST, SECOND])
  })

  it.each([
    ['400', status(400)],
    ['401', status(401)],
    ['403', status(403)],
    ['413', status(413)],
    ['422', status(422)],
    ['400 in plain text', { error: { shape: 'text', status: 400 } }],
    ['a refusal of the content', status(400, { code: 'content_policy_violation' })],
    ['a missing credit of the same vendor', status(429, { code: 'insufficient_quota' })],
  ])('does not try on at %s', async (_name, ending) => {
    const { response, slugs } = await asked(ending)
    expect([response.ok, slugs, told(response)]).toEqual([false, [FIRST], [null, null]])
  })

  it('tries the next vendor where the credit is missing', async () => {
    const { response, slugs } = await asked(status(429, { code: 'insufficient_quota' }), {
      send: withFallback([SECOND, 'other']),
    })
    expect([response.status, slugs]).toEqual([200, [FIRST, 'vendor/x']])
    expect(told(response)).toEqual(['o3-mini', '2;reason=insufficient_quota'])
  })

  it('does not try on after the key’s own limits', async () => {
    const { secret } = await issueKey({ limits: { requestsPerMinute: 1 } })
    const send = withFallback([SECOND])
    await asked({}, { secret, send })
    const { response, slugs } = await asked({}, { secret, send })
    expect([response.status, slugs]).toEqual([429, []])
  })

  it('does not try on where the caller wants none, or where the operator has named none', async () => {
    const plain = withFallback([])
    expect((await asked(status(503), { send: plain })).slugs).toEqual([FIRST])
  })

  it('answers with the first error where all fail, and logs each attempt', async () => {
    const log = recordLog()
    const { response, slugs } = await asked(status(503), { send: withFallback([GONE, 'other']), body: {} })
    expect([response.status, slugs]).toEqual([200, [FIRST, GONE, 'vendor/x']])
    const last = await asked(status(503), { send: withFallback([GONE]) })
    expect([last.response.status, (await errorOf(last.response)).code]).toEqual([503, 'overloaded'])
    expect(told(last.response)).toEqual([null, null])
    const lines = linesOf(log, 'request').filter(({ attempts }) => attempts !== undefined)
    expect(lines.map(({ attempts }) => attempts)).toEqual([
      [
        { model: FIRST, reason: 'upstream_overloaded, status 503' },
        { model: GONE, reason: 'upstream_no_such_model, status 404' },
        { model: 'vendor/x', reason: 'accepted' },
      ],
      [
        { model: FIRST, reason: 'upstream_overloaded, status 503' },
        { model: GONE, reason: 'upstream_no_such_model, status 404' },
      ],
    ])
  })

  it('bills the price of the model that has served, under its name', async () => {
    for (const limits of [{}, { budget: { usd: 100, period: 'day' } }]) {
      const own = await issueKey({ limits })
      const { response } = await asked({ ...status(503), usage: USAGE }, { secret: own.secret })
      await response.text()
      const metered = !stream || 'budget' in limits
      const { total, models } = await usageWithAttempts(own, 1)
      expect(models).toMatchObject([
        { model: 'o3-mini', requests: 0, failures: 1, costUsd: 0 },
        { model: SECOND, requests: 1, failures: 0 },
      ])
      // 1,000 tokens at 0.1 and 1,000 at 0.5 dollars a million.
      if (metered) expect(total).toMatchObject({ requests: 1, costUsd: 0.0006 })
    }
  })

  it('bills each attempt in which a model may have worked, and counts one request', async () => {
    vi.useRealTimers()
    const own = await issueKey({ limits: { requestsPerDay: 2 } })
    const send = withFallback([SECOND], { UPSTREAM_TIMEOUT_SECONDS: 2, STREAM_KEEPALIVE_SECONDS: 0 })
    const { response } = await asked({ hang: true, usage: USAGE }, { send, secret: own.secret })
    await response.text()
    const { models } = await usageWithAttempts(own, 1)
    const attempt = models.find(({ model }) => model === 'o3-mini')
    expect(attempt).toMatchObject({ requests: 0, failures: 1, estimated: 1 })
    expect(attempt?.costUsd).toBeGreaterThan(0)
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('1')
    const again = await asked({}, { send, secret: own.secret })
    expect([again.response.status, again.response.headers.get('x-ratelimit-remaining-requests')]).toEqual([
      200,
      '0',
    ])
    await again.response.text()
    const requests = await send('GET', `/admin/keys/${own.id}/requests`, ADMIN_TOKEN)
    const { data } = await requests.json<{ data: { id: string; reason: string | null }[] }>()
    const id = response.headers.get('x-request-id')
    expect(data.filter(({ reason }) => reason !== null)).toMatchObject([
      { id: `${id}.1`, model: 'o3-mini', status: 504, reason: expect.stringContaining('timeout') },
    ])
  })
})

/** The usage once so many failed attempts are booked too. They can come later than their request. */
async function usageWithAttempts(own: IssuedKey, attempts: number): Promise<KeyUsageAnswer> {
  await usageAfter(own, 1)
  return vi.waitFor(
    async () => {
      const usage = await usageOf(own)
      expect(usage.total.failures).toBe(attempts)
      return usage
    },
    { timeout: 5_000, interval: 20 },
  )
}

describe('a stream', () => {
  it('that breaks after its first output is not tried again', async () => {
    const { response, slugs } = await ask({ chunks: 20, cut: 10 }, { body: { stream: true } })
    expect([response.status, slugs]).toEqual([200, [FIRST]])
    expect(await response.text()).toMatch(/\n\ndata: \{"error":.*\n\n$/)
  })

  it('gets comments while models are tried, and its own model tells which one has answered', async () => {
    const send = withFallback([SECOND], { STREAM_KEEPALIVE_SECONDS: 1 })
    const ending = { firstByteDelayMs: 1_500, ...status(503) }
    const { response } = await ask(ending, { send, body: { stream: true } })
    expect(told(response)).toEqual([null, null])
    expect(await response.text()).toMatch(/^(: keep-alive\n\n)+data: \{.*"model":"gpt-6-luna"/)
  })

  it('shows nothing of the model that has failed, though its first events had come', async () => {
    const { response } = await ask({ chunks: 5, cut: 4 }, { path: '/v1/responses', body: { stream: true } })
    const text = await response.text()
    expect(text.match(/event: response\.created/g)).toHaveLength(1)
    expect(text).not.toContain('"model":"o3-mini')
  })
})

describe('a caller', () => {
  it('that has gone is the end of it', async () => {
    const leaving = new AbortController()
    const tag = crypto.randomUUID()
    const slugs = async () =>
      (await env.AI.calls()).filter((call) => call.tag === tag).map(({ model }) => model)
    const MODELS = JSON.stringify({ 'o3-mini': { slug: FIRST, fallback: [SECOND] } })
    const context = createExecutionContext()
    const request = new Request(`${BASE_URL}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...HELLO, simulate: { hang: 'headers', endingOf: FIRST, tag } }),
      signal: leaving.signal,
    })
    const answering = app.fetch(request, { ...env, MODELS }, context)
    await vi.waitFor(async () => expect(await slugs()).toEqual([FIRST]))
    leaving.abort()
    expect((await answering).status).toBe(499)
    await waitOnExecutionContext(context)
    expect(await slugs()).toEqual([FIRST])
  })

  it('switches the fallback off for a call', async () => {
    const headers = { 'x-gateway-no-fallback': '1' }
    const send = withFallback([SECOND])
    const off: Send = (method, path, secret, body) => send(method, path, secret, body, headers)
    const { response, slugs } = await ask(status(503), { send: off })
    expect([response.status, slugs]).toEqual([503, [FIRST]])
  })
})

describe('each model', () => {
  it('gets the request in its own format, judged by what it refuses', async () => {
    const body = { reasoning_effort: 'xhigh', temperature: 1, presence_penalty: 1, max_tokens: 500 }
    const send = withFallback([THIRD, SECOND], { UNSUPPORTED_PARAMETERS: 'drop' })
    const { response, calls } = await ask(status(503), { send, body })
    expect(calls[0]?.inputs).toMatchObject({ reasoning_effort: 'high', max_completion_tokens: 500 })
    expect(calls[1]?.inputs).toMatchObject({ reasoning: { effort: 'high' }, max_output_tokens: 500 })
    expect(response.headers.get('x-gateway-dropped-parameters')).toBe('temperature, presence_penalty')
    expect(await response.json()).toMatchObject({ object: 'chat.completion', model: 'gpt-5.6-luna' })
  })

  it('that cannot take the request is passed over', async () => {
    const send = withFallback([THIRD, SECOND])
    const { response, slugs } = await ask(status(503), { send, body: { seed: 1 } })
    expect([slugs, told(response)]).toEqual([
      [FIRST, SECOND],
      ['o3-mini', '2;reason=overloaded'],
    ])
  })

  it('counts with its worst case before any is asked: the dearest decides', async () => {
    // 10,000 tokens cost 0.044 dollars with o3-mini, and 2 dollars with the other one.
    const body = { max_completion_tokens: 10_000 }
    const atOnce = async (fallback: string) => {
      const { secret } = await issueKey({ limits: { budget: { usd: 1, period: 'day' } } })
      const send = withFallback([fallback])
      const asked = [1, 2].map(() => ask({ thinkMs: 300 }, { secret, send, body }))
      return (await Promise.all(asked)).map(({ response }) => response.status).toSorted((a, b) => a - b)
    }
    expect([await atOnce(SECOND), await atOnce('other')]).toEqual([
      [200, 200],
      [200, 429],
    ])
  })
})

describe('a model that is gone', () => {
  it('is skipped for ten minutes by the isolate that has seen it, with one loud line', async () => {
    const log = recordLog()
    const send = withFallback([SECOND], {}, GONE)
    const slugsOf = async () => {
      const { response, slugs } = await ask({}, { send })
      expect([response.status, told(response)]).toEqual([200, ['o3-mini', '1;reason=model_not_found']])
      return slugs
    }
    expect(await slugsOf()).toEqual([GONE, SECOND])
    expect(await slugsOf()).toEqual([SECOND])
    vi.setSystemTime(Date.now() + RETIRED_MS - 60_000)
    expect(await slugsOf()).toEqual([SECOND])
    expect(linesOf(log, 'trouble').filter(({ what }) => what === 'model_gone')).toEqual([
      expect.objectContaining({ level: 'error', cause: expect.stringContaining(GONE) }),
    ])
    vi.setSystemTime(Date.now() + 60_000)
    expect(await slugsOf()).toEqual([GONE, SECOND])
  })

  it('is not told beside an error', async () => {
    const send = withFallback([SECOND], {}, GONE)
    await ask({}, { send })
    for (const stream of [false, true]) {
      const { response, slugs } = await ask({ endingOf: SECOND, ...status(503) }, { send, body: { stream } })
      expect([response.status, slugs, told(response)]).toEqual([503, [SECOND], [null, null]])
    }
  })

  it('is asked all the same where no other is left, or the caller wants no other', async () => {
    const send = withFallback([], {}, GONE)
    for (let call = 0; call < 2; call++) {
      const { response, slugs } = await ask({}, { send })
      expect([response.status, slugs]).toEqual([404, [GONE]])
    }
  })
})

it('two models behind one are the most that a row may name', async () => {
  const { response } = await ask({}, { send: withFallback([SECOND, THIRD, 'other']) })
  expect([response.status, (await errorOf(response)).code]).toEqual([500, 'misconfigured'])
  expect((await usageOf(key)).total.requests).toBe(0)
})
