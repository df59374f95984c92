/** Every failure is OpenAI's envelope with a request id, never HTML or an empty body. */
import { reset } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { app } from '../../src/app.ts'
import { isolateOf } from '../../src/isolate.ts'
import { linesOf, recordLog } from '../support/console.ts'
import { AT_ONCE, call, complete, env, errorOf, HELLO, issueKey, send } from '../support/gateway.ts'

const PATH = '/v1/chat/completions'

let secret: string
beforeEach(async () => {
  ;({ secret } = await issueKey())
})
afterEach(async () => {
  await reset()
})

describe('a request id made by the gateway', () => {
  it('is on every answer, including 404, 405, preflight and HEAD', async () => {
    const answers = [
      call('/health', { headers: { 'x-request-id': 'mine' } }),
      call('/nowhere'),
      call('/v1/models', { method: 'OPTIONS', headers: { origin: 'https://a.example' } }),
      call(PATH),
      call('/v1/models', { method: 'HEAD' }),
      complete(secret),
      complete(secret, { stream: true }),
    ]
    const ids = new Set<string | null>()
    for (const answer of await Promise.all(answers)) {
      expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9A-Za-z]{32}$/)
      ids.add(answer.headers.get('x-request-id'))
      await answer.text()
    }
    expect(ids.size).toBe(answers.length)
  })
})

describe('a request body', () => {
  const post = (body: string, headers: Record<string, string>) =>
    call(PATH, { method: 'POST', body, headers: { authorization: `Bearer ${secret}`, ...headers } })

  it('that is not JSON gets a 400 that says so', async () => {
    for (const text of ['{"model": "o3-mini", ', 'hello', '{"a":1}}', '\u0000', "{'a': 1}"]) {
      const response = await post(text, { 'content-type': 'application/json' })
      expect(response.status).toBe(400)
      expect((await errorOf(response)).message).toContain('could not parse the JSON body')
    }
  })

  it('that is empty gets a 400 that shows what to send', async () => {
    for (const text of ['', ' \n']) {
      const response = await post(text, { 'content-type': 'application/json' })
      expect(response.status).toBe(400)
      expect((await errorOf(response)).message).toContain('is empty')
    }
  })

  it('from a plain `curl -d` gets a 415 that says which header to add', async () => {
    const response = await post(JSON.stringify(HELLO), {
      'content-type': 'application/x-www-form-urlencoded',
    })
    expect(response.status).toBe(415)
    expect((await errorOf(response)).message).toContain("-H 'Content-Type: application/json'")
    const none = await call(PATH, {
      method: 'POST',
      body: new Uint8Array([123, 125]),
      headers: { authorization: `Bearer ${secret}` },
    })
    expect(none.status).toBe(415)
    expect((await errorOf(none)).message).toContain('Missing content type')
  })

  it('with a charset or another JSON type is accepted', async () => {
    for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/vnd.api+json']) {
      const response = await post(JSON.stringify({ ...HELLO, simulate: AT_ONCE }), { 'content-type': type })
      expect(response.status).toBe(200)
      await response.text()
    }
  })

  it('that is compressed gets a 415', async () => {
    const response = await post(JSON.stringify(HELLO), {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    })
    expect([response.status, (await errorOf(response)).code]).toEqual([415, 'unsupported_content_encoding'])
  })
})

describe('a wrong parameter', () => {
  it.each<[Record<string, unknown>, string, string]>([
    [{ messages: undefined }, 'messages', 'missing_required_parameter'],
    [{ model: undefined }, 'model', 'missing_required_parameter'],
    [{ messages: [] }, 'messages', 'empty_array'],
    [{ messages: 'hi' }, 'messages', 'invalid_type'],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content', 'invalid_type'],
    [{ messages: [{ role: 'robot', content: 'hi' }] }, 'messages[0].role', 'invalid_value'],
    [{ temperature: 3 }, 'temperature', 'decimal_above_max_value'],
    [{ frequency_penalty: -2.5 }, 'frequency_penalty', 'decimal_below_min_value'],
    [{ top_p: 1.01 }, 'top_p', 'decimal_above_max_value'],
    [{ max_completion_tokens: 0 }, 'max_completion_tokens', 'integer_below_min_value'],
    [{ stream: 'yes' }, 'stream', 'invalid_type'],
    [{ reasoning_effort: 'extreme' }, 'reasoning_effort', 'invalid_value'],
  ])('in %j gets a 400 that names it', async (overrides, param, code) => {
    const response = await complete(secret, overrides)
    const error = await errorOf(response)
    expect([response.status, error.param, error.code, error.type]).toEqual([
      400,
      param,
      code,
      'invalid_request_error',
    ])
    expect(error.message).toMatch(/^[A-Z].{15,}\.$/)
  })

  it('that names an unknown model gets a 404 model_not_found', async () => {
    const response = await complete(secret, { model: 'gpt-99' })
    expect(response.status).toBe(404)
    expect(await errorOf(response)).toMatchObject({ code: 'model_not_found', param: 'model' })
  })
})

describe('an address', () => {
  it('that is unknown gets a 404 unknown_url, with a hint when /v1 is missing', async () => {
    const nowhere = await call('/v1/engines')
    expect([nowhere.status, (await errorOf(nowhere)).code]).toEqual([404, 'unknown_url'])
    const unversioned = await call('/chat/completions', { method: 'POST' })
    expect((await errorOf(unversioned)).message).toContain('Did you mean /v1/chat/completions?')
  })

  it('called with a wrong method gets a 405 with Allow', async () => {
    for (const [method, path, allow] of [
      ['GET', PATH, 'POST'],
      ['DELETE', '/v1/models', 'GET'],
      ['POST', '/health', 'GET'],
      ['PUT', '/v1/models/openai/o3-mini', 'GET'],
    ] as const) {
      const response = await call(path, { method })
      expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
      expect((await errorOf(response)).code).toBe('method_not_supported')
    }
  })
})

describe('a failing upstream', () => {
  it.each<[string, Record<string, unknown>, number, string | null]>([
    ['throws', { throw: '5016: something broke' }, 502, 'upstream_error'],
    ['throws a code', { throw: '3040: out of capacity' }, 429, 'rate_limit_exceeded'],
    ['resolves to undefined', { undefined: true }, 502, 'upstream_error'],
    [
      'answers the vendor’s envelope',
      { error: { shape: 'openai', status: 400, code: 'context_length_exceeded' } },
      400,
      'context_length_exceeded',
    ],
    [
      'answers Cloudflare’s list',
      { error: { shape: 'cloudflare_errors', status: 404, code: 7003 } },
      404,
      'model_not_found',
    ],
    [
      'answers Cloudflare’s internal shape',
      { error: { shape: 'cloudflare_internal', status: 500, code: 3007 } },
      504,
      'timeout',
    ],
    ['answers text', { error: { shape: 'text', status: 500 } }, 502, 'upstream_error'],
    ['answers HTML', { error: { shape: 'html', status: 503 } }, 503, 'overloaded'],
    ['answers nothing', { error: { shape: 'empty', status: 520 } }, 502, 'upstream_error'],
  ])(
    'that %s gives the caller one clean envelope, for JSON and for streams',
    async (_name, simulate, status, code) => {
      for (const stream of [false, true]) {
        const log = recordLog()
        const response = await complete(secret, { stream, simulate: { ...AT_ONCE, ...simulate } })
        expect(response.headers.get('content-type')).toBe('application/json')
        expect([response.status, (await errorOf(response)).code]).toEqual([status, code])
        expect(linesOf(log, 'request')[0]?.['reason']).toMatch(/^upstream_/)
      }
    },
  )
})

describe('a fault of the gateway', () => {
  it('is a 500 without detail, and its log line has the error but no secret', async () => {
    const log = recordLog()
    const faulty = {
      ...env,
      get AI(): never {
        throw new TypeError('private detail')
      },
    }
    const body = JSON.stringify(HELLO)
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    const response = await app.request('/v1/chat/completions', { method: 'POST', headers, body }, faulty)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('private detail')
    expect(linesOf(log, 'request')[0]).toMatchObject({
      level: 'error',
      reason: 'internal: TypeError: private detail',
    })
    expect(log.join('\n')).not.toContain(secret)
  })

  it('in the limiter is a 500 too, and no store that cannot be reached', async () => {
    const check = vi.spyOn(isolateOf(env).limiter, 'check').mockImplementation(() => {
      throw new TypeError('private detail')
    })
    const response = await complete(secret)
    check.mockRestore()
    expect([response.status, (await errorOf(response)).code]).toEqual([500, null])
  })

  it('in a var is a 500 that names the var', async () => {
    const log = recordLog()
    const bad = {
      BODY_BYTES_MAX: 'lots',
      MODELS: '{"o3-mini":',
      AI_GATEWAY_ID: '',
      ACCOUNTS_LOCATION_HINT: 'mars',
    }
    for (const [name, value] of Object.entries(bad)) {
      const response = await app.request('/v1/models', {}, { ...env, [name]: value })
      expect([response.status, (await errorOf(response)).message]).toEqual([
        500,
        expect.stringContaining(name),
      ])
    }
    expect(linesOf(log, 'request').map(({ reason }) => reason)).toEqual(
      Object.keys(bad).map((name) => `misconfigured: ${name}`),
    )
  })
})

describe('the log', () => {
  it('has one line per request with its id, key, model, status and duration', async () => {
    const log = recordLog()
    const { id, secret: other } = await issueKey()
    log.length = 0
    const response = await complete(other)
    await response.text()
    expect(linesOf(log, 'request')).toEqual([
      {
        level: 'info',
        event: 'request',
        requestId: response.headers.get('x-request-id'),
        method: 'POST',
        route: PATH,
        status: 200,
        durationMs: expect.any(Number),
        keyId: id,
        model: 'o3-mini',
        stream: false,
      },
    ])
  })

  it('never contains a secret, a prompt or an answer', async () => {
    const log = recordLog()
    const { secret: other } = await issueKey()
    const canary = 'canary-5b1f'
    const messages = [{ role: 'user', content: canary }]
    for (const overrides of [
      { messages },
      { messages, stream: true },
      { messages, temperature: canary },
      { messages, model: canary },
      { messages, simulate: { error: { shape: 'openai', status: 400, message: canary } } },
      { messages, simulate: { throw: canary } },
    ]) {
      await (await complete(other, { simulate: AT_ONCE, ...overrides })).text()
    }
    await (await send('POST', PATH, other, `{"messages": "${canary}`)).text()
    await (await send('POST', PATH, canary, { messages })).text()
    expect(linesOf(log, 'request').length).toBeGreaterThan(7)
    expect(log.join('\n')).not.toContain(canary)
    expect(log.join('\n')).not.toContain(other.slice(-33))
  })
})
