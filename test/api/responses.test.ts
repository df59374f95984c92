/** `POST /v1/responses` behaves as chat does, and refuses clearly what needs storage. */
import { createExecutionContext, reset, waitOnExecutionContext } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { app } from '../../src/app.ts'
import { linesOf, recordLog } from '../support/console.ts'
import { AT_ONCE, call, env, errorOf, issueKey, respond, send } from '../support/gateway.ts'
import { SLUG, takes } from '../support/upstream-kind.ts'
import { usageAfter } from '../support/usage.ts'

const PATH = '/v1/responses'
const STORED = `${PATH}/resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b`

let secret: string
beforeEach(async () => {
  ;({ secret } = await issueKey())
})
afterEach(async () => {
  await reset()
})

/** Streams a response under other vars; `done` waits for the background work after the answer. */
async function stream(vars: Record<string, unknown>, simulate: Record<string, unknown>, key = secret) {
  const context = createExecutionContext()
  const body = { model: 'o3-mini', input: 'Hello!', stream: true, simulate: { ...AT_ONCE, ...simulate } }
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const response = await app.request(
    PATH,
    { method: 'POST', headers, body: JSON.stringify(body) },
    { ...env, ...vars },
    context,
  )
  return { response, done: () => waitOnExecutionContext(context) }
}

describe('a request', () => {
  it.runIf(takes('responses'))(
    'goes upstream as the caller’s body without `model`, including unknown fields',
    async () => {
      const body = {
        input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi', extra: 1 }] }],
        store: false,
        something_new: { deeply: { nested: [1, 2, 3] } },
        simulate: { ...AT_ONCE, tag: 'response-body' },
      }
      expect((await respond(secret, body)).status).toBe(200)
      const seen = (await env.AI.calls()).find(({ tag }) => tag === 'response-body')
      expect(seen).toMatchObject({ model: SLUG, options: { gateway: { id: 'default' } } })
      expect(seen?.inputs).toEqual(body)
    },
  )

  it('is answered with the upstream’s response, as JSON or as a stream', async () => {
    const log = recordLog()
    const json = await respond(secret)
    expect(json.headers.get('content-type')).toBe('application/json')
    expect(await json.json()).toMatchObject({ object: 'response', status: 'completed' })
    const streamed = await respond(secret, { stream: true })
    expect(streamed.headers.get('content-type')).toContain('text/event-stream')
    expect(await streamed.text()).toMatch(
      /^event: response\.created\n[^]*event: response\.completed\n.*\n\n$/,
    )
    expect(linesOf(log, 'request')[0]).toMatchObject({ route: PATH, status: 200, model: 'o3-mini' })
  })

  it.each<[Record<string, unknown>, number, string | null, string | null]>([
    [{ input: undefined }, 400, 'input', 'missing_required_parameter'],
    [{ max_output_tokens: 0 }, 400, 'max_output_tokens', 'integer_below_min_value'],
    [{ previous_response_id: 'resp_1' }, 400, 'previous_response_id', 'unsupported_parameter'],
    [{ conversation: { id: 'conv_1' } }, 400, 'conversation', 'unsupported_parameter'],
    [{ background: true }, 400, 'background', 'unsupported_parameter'],
    [{ messages: [], input: undefined }, 400, 'messages', 'unsupported_parameter'],
    [{ model: 'gpt-99' }, 404, 'model', 'model_not_found'],
    [{ simulate: { ...AT_ONCE, throw: '3040: full' } }, 429, null, 'rate_limit_exceeded'],
  ])('with %j fails in OpenAI’s envelope', async (overrides, status, param, code) => {
    const response = await respond(secret, overrides)
    expect([response.status, await errorOf(response)]).toEqual([
      status,
      expect.objectContaining({ param, code }),
    ])
    expect(response.headers.get('x-request-id')).toMatch(/^req_/)
  })

  it('requires a key, JSON, a body within the bound, and POST', async () => {
    expect((await call(PATH, { method: 'POST' })).status).toBe(401)
    const headers = { authorization: `Bearer ${secret}` }
    expect((await call(PATH, { method: 'POST', headers, body: 'input=Hi' })).status).toBe(415)
    expect((await respond(secret, { input: 'x'.repeat(4_200_000) })).status).toBe(413)
    const get = await send('GET', PATH, secret)
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
    const unversioned = await call('/responses', { method: 'POST' })
    expect((await errorOf(unversioned)).message).toContain('Did you mean /v1/responses?')
  })
})

describe('a stored response', () => {
  it.each([
    ['GET', STORED],
    ['DELETE', STORED],
    ['POST', `${STORED}/cancel`],
    ['GET', `${STORED}/input_items?limit=5`],
  ])('gets a 404 that says why, and requires a key: %s %s', async (method, path) => {
    const response = await send(method, path, secret)
    expect([response.status, await errorOf(response)]).toEqual([
      404,
      {
        message: expect.stringMatching(/'resp_\w+' not found\. This gateway does not store responses/),
        type: 'invalid_request_error',
        param: null,
        code: 'response_not_found',
      },
    ])
    expect((await call(path, { method })).status).toBe(401)
  })

  it.each([
    ['PATCH', STORED, 'GET, DELETE'],
    ['GET', `${STORED}/cancel`, 'POST'],
    ['POST', `${STORED}/input_items`, 'GET'],
  ])('called with a wrong method gets a 405: %s %s', async (method, path, allow) => {
    const response = await send(method, path, secret)
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
  })

  it('is not confused with the API’s other addresses, which get a 404 unknown_url', async () => {
    for (const path of [`${PATH}/compact`, `${PATH}/input_tokens`, `${STORED}/nothing`]) {
      const response = await send('POST', path, secret, {})
      expect([response.status, (await errorOf(response)).code]).toEqual([404, 'unknown_url'])
    }
  })
})

describe('limits', () => {
  it('are shared with chat completions', async () => {
    const key = await issueKey({ limits: { requestsPerMinute: 2 } })
    expect((await respond(key.secret)).headers.get('x-ratelimit-remaining-requests')).toBe('1')
    const chat = { model: 'o3-mini', messages: [{ role: 'user', content: 'Hi' }], simulate: AT_ONCE }
    expect((await send('POST', '/v1/chat/completions', key.secret, chat)).status).toBe(200)
    expect((await respond(key.secret)).status).toBe(429)
  })

  it('on tokens count input, instructions and the request’s own maximum', async () => {
    const key = await issueKey({ limits: { tokensPerMinute: 1000 } })
    const large = await respond(key.secret, { instructions: 'word '.repeat(1000) })
    expect((await errorOf(large)).message).toMatch(/^Request too large for this key: Limit 1000/)
    const small = await respond(key.secret, { input: 'Four', max_output_tokens: 96 })
    expect(small.headers.get('x-ratelimit-remaining-tokens')).toBe(String(1000 - 100))
  })

  it.runIf(takes('responses'))(
    'ignore the parameters of chat, which this schema does not validate',
    async () => {
      const key = await issueKey({ limits: { tokensPerMinute: 1000 } })
      const cheat = { n: -100, max_tokens: -1e9, max_completion_tokens: 'none', max_output_tokens: 96 }
      const response = await respond(key.secret, { input: 'Four', ...cheat })
      expect(response.headers.get('x-ratelimit-remaining-tokens')).toBe('900')
    },
  )

  it.each([false, true])('settle from the reported usage (stream: %s)', async (isStream) => {
    const key = await issueKey({ limits: { tokensPerMinute: 10_000 } })
    const usage = { input_tokens: 1000, output_tokens: 2000, total_tokens: 3000 }
    const simulate = { ...AT_ONCE, chunks: 3, usage }
    await (await respond(key.secret, { stream: isStream, max_output_tokens: 300, simulate })).text()
    const second = await respond(key.secret, { input: 'Four', max_output_tokens: 96 })
    expect(second.headers.get('x-ratelimit-remaining-tokens')).toBe(String(10_000 - 3000 - 100))
  })
})

describe('usage', () => {
  const usage = {
    input_tokens: 1000,
    output_tokens: 500,
    total_tokens: 1500,
    input_tokens_details: { cached_tokens: 400 },
    output_tokens_details: { reasoning_tokens: 300 },
  }

  it.each([false, true])(
    'is booked to the key with cached and reasoning tokens (stream: %s)',
    async (isStream) => {
      const key = await issueKey({ limits: { budget: { usd: 1, period: 'day' } } })
      await (await respond(key.secret, { stream: isStream, simulate: { ...AT_ONCE, usage } })).text()
      expect((await usageAfter(key, 1)).total).toEqual({
        requests: 1,
        failures: 0,
        refused: 0,
        promptTokens: 1000,
        cachedTokens: 400,
        completionTokens: 500,
        reasoningTokens: 300,
        pending: 0,
        estimated: 0,
        costUsd: 0.00308,
        estimatedUsd: 0,
      })
    },
  )
})

describe.each([
  ['piped', 'never'],
  ['metered', 'always'],
])('a stream that is %s', (_way, METER_STREAMS) => {
  it.runIf(takes('responses'))(
    'arrives byte for byte, however it is chunked',
    { timeout: 20_000 },
    async () => {
      for (const chunkBytes of [undefined, 1, 7, 1000]) {
        const simulate = { chunks: 20, ...(chunkBytes === undefined ? {} : { chunkBytes }) }
        const { response, done } = await stream({ METER_STREAMS }, simulate)
        const direct = await env.AI.run(
          SLUG,
          { input: 'Hello!', stream: true, simulate: { ...AT_ONCE, ...simulate }, store: false },
          { returnRawResponse: true, gateway: { id: 'default' }, signal: new AbortController().signal },
        )
        if (!(direct instanceof Response)) throw new Error('the simulator returned no response')
        expect(await response.text()).toBe(await direct.text())
        await done()
      }
    },
  )

  it('and fails ends with one error event that every SDK recognizes, and no completion event', async () => {
    const log = recordLog()
    const { response, done } = await stream({ METER_STREAMS }, { chunks: 20, cut: 8 })
    const text = await response.text()
    const [, data] = /\n\nevent: error\ndata: (\{.*\})\n\n$/.exec(text) ?? []
    const error = { code: 'upstream_error', message: expect.stringMatching(/./), param: null }
    expect(JSON.parse(data ?? '')).toEqual({
      ...error,
      type: 'error',
      sequence_number: METER_STREAMS === 'never' ? 0 : [...text.matchAll(/^event: /gm)].length - 1,
      error: { ...error, type: 'server_error' },
    })
    expect(text).not.toContain('response.completed')
    await done()
    expect(linesOf(log, 'request')[0]).toMatchObject({ outcome: 'upstream_failed' })
  })
})

describe('only a metered stream', () => {
  it('reports an error when it ends without response.completed', async () => {
    const read = await stream({ METER_STREAMS: 'always' }, { chunks: 20, end: 99_999 })
    expect(await read.response.text()).toMatch(/\n\nevent: error\n.*\n\n$/)
  })

  it.runIf(takes('responses'))('costs no JavaScript for each chunk', async () => {
    const piped = await stream({ METER_STREAMS: 'never' }, { chunks: 20, end: 99_999 })
    expect(await piped.response.text()).not.toContain('event: error')
  })
})

describe('parameters unsupported by the model', () => {
  const post = (UNSUPPORTED_PARAMETERS: string, overrides: Record<string, unknown>) =>
    app.request(
      PATH,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'o3-mini', input: 'Hi', simulate: AT_ONCE, ...overrides }),
      },
      { ...env, UNSUPPORTED_PARAMETERS },
      createExecutionContext(),
    )

  it('are refused by the gateway, with a hint to max_output_tokens for max_tokens', async () => {
    const response = await post('reject', { max_tokens: 5 })
    expect(await errorOf(response)).toMatchObject({
      param: 'max_tokens',
      code: 'unsupported_parameter',
      message: expect.stringContaining("Use 'max_output_tokens' instead."),
    })
    expect((await errorOf(await post('reject', { top_p: 1 }))).param).toBe('top_p')
  })

  it.runIf(takes('responses'))(
    'are dropped, except max_tokens, which becomes max_output_tokens',
    async () => {
      const simulate = { ...AT_ONCE, tag: 'dropped' }
      const response = await post('drop', { max_tokens: 300, temperature: 1, top_logprobs: 2, simulate })
      expect(response.headers.get('x-gateway-dropped-parameters')).toBe(
        'max_tokens, temperature, top_logprobs',
      )
      const seen = (await env.AI.calls()).find(({ tag }) => tag === 'dropped')
      expect(seen?.inputs).toEqual({ input: 'Hi', max_output_tokens: 300, simulate, store: false })
    },
  )
})
