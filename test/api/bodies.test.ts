/** A body is read for a key alone, in time, and within what the isolate may hold for all of its requests. */
import { createExecutionContext, reset } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { app } from '../../src/app.ts'
import { isolateOf } from '../../src/isolate.ts'
import { BODY_BYTES_HELD_MAX } from '../../src/limits/body-budget.ts'
import { DRAIN_BYTES_MAX } from '../../src/stages/body.ts'
import { BODY_BYTES_PER_SECOND_MIN, RATE_WINDOW_MS } from '../../src/streams/read-in-time.ts'
import { JSON_ELEMENTS_MAX, JSON_VALUES_MAX } from '../../src/wire/json-bounds.ts'
import completion from '../support/fixtures/chat-completion.json'
import chunks from '../support/fixtures/chat-completion-stream.sse?raw'
import { linesOf, recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, call, env, errorOf, HELLO, issueKey } from '../support/gateway.ts'

const CHAT = '/v1/chat/completions'
const JSON_ANSWER = () => Response.json(completion)
const STREAM_ANSWER = () => new Response(chunks, { headers: { 'content-type': 'text/event-stream' } })

const { bodies } = isolateOf(env)

let secret: string
let log: string[]
beforeEach(async () => {
  log = recordLog()
  ;({ secret } = await issueKey())
})
afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  bodies.release(bodies.heldBytes)
  await reset()
})

interface Sent {
  path?: string
  token?: string | null
  headers?: Record<string, string>
  vars?: Record<string, string>
  upstream?: () => Response | Promise<Response>
  signal?: AbortSignal
}

/** Posts to the app in this isolate, with an upstream of its own. */
async function post(body: string | ReadableStream, sent: Sent = {}): Promise<Response> {
  const { path = CHAT, token = secret, headers = {}, vars = {}, upstream = JSON_ANSWER } = sent
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` }
  const init = {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...authorization, ...headers },
    ...(sent.signal === undefined ? {} : { signal: sent.signal }),
  }
  const bindings = { ...env, ...vars, AI: { run: async () => upstream(), gateway: vi.fn<() => never>() } }
  return app.request(path, init, bindings, createExecutionContext())
}

/** A body in chunks. `sent` counts the bytes that the gateway has read, and a chunk of `null` stalls for ever. */
function upload(chunkOf: (index: number) => string | null | undefined) {
  const state = { sentBytes: 0, cancelled: false }
  let index = 0
  const body = new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const text = chunkOf(index)
      index += 1
      if (text === null) return new Promise<void>(() => {})
      if (text === undefined) {
        controller.close()
        controller.byobRequest?.respond(0)
        return
      }
      const bytes = new TextEncoder().encode(text)
      state.sentBytes += bytes.length
      controller.enqueue(bytes)
    },
    cancel() {
      state.cancelled = true
    },
  })
  return { body, state }
}

const hello = (bytes: number): string => {
  const text = JSON.stringify({ ...HELLO, user: '' })
  return text.replace('"user":""', `"user":"${'x'.repeat(bytes - text.length)}"`)
}
const messages = (count: number): string =>
  `{"model":"o3-mini","messages":[${Array<string>(count).fill('{"role":"user","content":""}').join(',')}]}`
const outcomeOf = async (response: Response) => [response.status, (await errorOf(response)).code]

describe('the body of a stranger', () => {
  it.each([
    [CHAT, null, null],
    [CHAT, 'wrong', 'invalid_api_key'],
    ['/v1/responses', null, null],
    ['/admin/keys', 'wrong', 'invalid_admin_token'],
  ])('at %s with the token %s is read to its end, and then comes the 401', async (path, token, code) => {
    const hold = vi.spyOn(bodies, 'hold')
    const { body, state } = upload((index) => (index < 80 ? 'a'.repeat(65_536) : undefined))
    expect(await outcomeOf(await post(body, { path, token }))).toEqual([401, code])
    expect([state.sentBytes, hold.mock.calls]).toEqual([80 * 65_536, []])
  })

  it('is dropped unread where its length says that it is longer than what is drained', async () => {
    const { body, state } = upload(() => null)
    const headers = { 'content-length': `${DRAIN_BYTES_MAX + 1}` }
    expect((await post(body, { token: null, headers })).status).toBe(401)
    expect(state.sentBytes).toBe(0)
  })

  it('that never ends is read up to a bound, and then comes the 401', async () => {
    const { body, state } = upload(() => 'a'.repeat(1024 * 1024))
    expect((await post(body, { token: null })).status).toBe(401)
    expect(state.sentBytes).toBeGreaterThan(DRAIN_BYTES_MAX)
    expect(state.sentBytes).toBeLessThan(DRAIN_BYTES_MAX + 3 * 1024 * 1024)
  })

  it('that stalls is left, and then comes the 401', async () => {
    vi.useFakeTimers()
    const { body } = upload((index) => (index === 0 ? '{' : null))
    const answer = post(body, { token: null, vars: { BODY_SECONDS: '2' } })
    await vi.advanceTimersByTimeAsync(2_000)
    expect((await answer).status).toBe(401)
  })
})

describe('a body above the limit', () => {
  const vars = { BODY_BYTES_MAX: '2000' }
  const parts = (text: string) =>
    upload((index) => text.slice(index * 300, index * 300 + 300) || undefined).body

  it('gets a 413, with a length and in chunks, for a key and for the operator', async () => {
    const text = hello(2_001)
    for (const [path, token] of [
      [CHAT, secret],
      ['/admin/keys', ADMIN_TOKEN],
    ] as const) {
      for (const [body, headers] of [
        [text, { 'content-length': '2001' }],
        [parts(text), {}],
      ] as const)
        expect(await outcomeOf(await post(body, { path, token, headers, vars }))).toEqual([
          413,
          'request_too_large',
        ])
    }
  })

  it('gets a 413 from the worker too, and one at the limit is served', async () => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${secret}` }
    const large = await call(CHAT, { method: 'POST', headers, body: hello(4 * 1024 * 1024 + 1) })
    expect(await outcomeOf(large)).toEqual([413, 'request_too_large'])
    const body = hello(2_000)
    for (const sent of [body, parts(body)]) expect((await post(sent, { vars })).status).toBe(200)
  })
})

describe('a body that arrives slowly', () => {
  const vars = { BODY_SECONDS: '25' }
  /** A chunk each second. */
  const slow = (bytes: number, count = Infinity) =>
    new ReadableStream({
      type: 'bytes',
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 1_000))
        controller.enqueue(new TextEncoder().encode(' '.repeat(bytes)))
        count -= 1
        if (count > 0) return
        controller.enqueue(new TextEncoder().encode(JSON.stringify(HELLO)))
        controller.close()
      },
    })

  async function statusAfter(body: ReadableStream, ms: number, path = CHAT): Promise<unknown> {
    const settled = vi.fn<(response: Response) => void>()
    const token = path === CHAT ? secret : ADMIN_TOKEN
    const answer = post(body, { vars, path, token }).then(settled)
    await vi.advanceTimersByTimeAsync(ms)
    const response = settled.mock.calls[0]?.[0]
    if (response === undefined) return answer.then.bind(answer)
    return response.status === 200 ? [200] : outcomeOf(response)
  }

  it('gets a 408 when its time is over, and is served until then', async () => {
    vi.useFakeTimers()
    const rate = BODY_BYTES_PER_SECOND_MIN * 2
    expect(await statusAfter(slow(rate, 24), 24_500)).toEqual([200])
    expect(await statusAfter(slow(rate, 26), 24_500)).toBeTypeOf('function')
    expect(await statusAfter(slow(rate, 26), 25_500)).toEqual([408, 'request_timeout'])
    expect(await statusAfter(slow(rate, 26), 25_500, '/admin/keys')).toEqual([408, 'request_timeout'])
    expect(linesOf(log, 'request').at(-1)).toMatchObject({ status: 408, reason: 'request_timeout' })
  })

  it('gets a 408 at the end of a window in which too little came', async () => {
    vi.useFakeTimers()
    const slower = BODY_BYTES_PER_SECOND_MIN / 2
    expect(await statusAfter(slow(slower), RATE_WINDOW_MS - 500)).toBeTypeOf('function')
    expect(await statusAfter(slow(slower), RATE_WINDOW_MS + 500)).toEqual([408, 'request_timeout'])
    const stalling = upload((index) => (index < 20 ? ' '.repeat(60_000) : null))
    expect(await statusAfter(stalling.body, 2 * RATE_WINDOW_MS)).toEqual([408, 'request_timeout'])
    expect(stalling.state.cancelled).toBe(true)
    expect(bodies.heldBytes).toBe(0)
  })
})

describe('a body with too many values', () => {
  it('gets a 400 that names the long list, and as many as the bound are served', async () => {
    expect((await post(messages(JSON_ELEMENTS_MAX))).status).toBe(200)
    const refused = await post(messages(JSON_ELEMENTS_MAX + 1))
    expect([refused.status, await errorOf(refused)]).toEqual([
      400,
      {
        message: expect.stringContaining(`at most ${JSON_ELEMENTS_MAX}`),
        type: 'invalid_request_error',
        param: 'messages',
        code: 'array_above_max_length',
      },
    ])
    const input = `{"model":"o3-mini","input":[${'{},'.repeat(JSON_ELEMENTS_MAX)}{}]}`
    const items = await post(input, { path: '/v1/responses' })
    expect([items.status, (await errorOf(items)).param]).toEqual([400, 'input'])
  })

  it('in many lists gets a 400 for the body as a whole', async () => {
    const list = `[${'0,'.repeat(JSON_ELEMENTS_MAX - 1)}0]`
    const count = JSON_VALUES_MAX / JSON_ELEMENTS_MAX
    const text = hello(500).replace(
      '"user":',
      `"lists":[${Array<string>(count).fill(list).join(',')}],"user":`,
    )
    const refused = await post(text)
    const { message, param } = await errorOf(refused)
    expect([refused.status, param, message]).toEqual([
      400,
      null,
      expect.stringContaining(`at most ${JSON_VALUES_MAX}`),
    ])
  })

  it('is not parsed', async () => {
    const parse = vi.spyOn(JSON, 'parse')
    const response = await post(messages(JSON_ELEMENTS_MAX + 1))
    // The key's account, which is told of the refusal, parses its own short rows.
    const parsed = parse.mock.calls.filter(([text]) => text.length > JSON_ELEMENTS_MAX)
    expect([response.status, parsed.length]).toEqual([400, 0])
  })
})

describe('the bytes that an isolate holds', () => {
  it('have a bound: a body above it gets a 503 and is read to its end, and is served later', async () => {
    bodies.hold(BODY_BYTES_HELD_MAX - 999)
    const { body, state } = upload((index) =>
      index < 3 ? hello(3_000).slice(index * 1_000, (index + 1) * 1_000) : undefined,
    )
    const refused = await post(body)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await outcomeOf(refused)).toEqual([503, 'gateway_busy'])
    expect(state.sentBytes).toBe(3_000)
    expect((await post(hello(999))).status).toBe(200)
    expect((await post(hello(1_000))).status).toBe(503)
    bodies.release(1)
    expect((await post(hello(1_000))).status).toBe(200)
  })

  it('may be as many as the operator allows one body to have', async () => {
    bodies.hold(BODY_BYTES_HELD_MAX)
    expect((await post(hello(500))).status).toBe(503)
    const vars = { BODY_BYTES_MAX: `${BODY_BYTES_HELD_MAX + 500}` }
    expect((await post(hello(500), { vars })).status).toBe(200)
  })

  it.each<[string, number, () => Promise<Response>]>([
    ['is answered', 200, () => post(hello(500))],
    ['is no JSON', 400, () => post(`${hello(500)}}`)],
    ['is no UTF-8', 400, () => post(new Response(new Uint8Array(500).fill(255)).body ?? '')],
    ['has a wrong parameter', 400, () => post('{"model":"o3-mini"}')],
    ['has too many values', 400, () => post(messages(JSON_ELEMENTS_MAX + 1))],
    ['names no model', 404, () => post(hello(500).replace('o3-mini', 'o9-mega'))],
    [
      'is too large',
      413,
      () =>
        post(upload((index) => (index < 5 ? hello(500) : undefined)).body, {
          vars: { BODY_BYTES_MAX: '1200' },
        }),
    ],
    [
      'fails upstream',
      502,
      () => post(hello(500), { upstream: () => Promise.reject(new Error('5016: broken')) }),
    ],
    ['is the operator’s', 201, () => post('{"name":"x"}', { path: '/admin/keys', token: ADMIN_TOKEN })],
    [
      'is the operator’s and wrong',
      400,
      () => post('{"name":5}', { path: '/admin/keys', token: ADMIN_TOKEN }),
    ],
    [
      'is cut',
      400,
      () => {
        let isFirst = true
        const body = new ReadableStream({
          type: 'bytes',
          pull(controller) {
            if (isFirst) controller.enqueue(new TextEncoder().encode('{"model"'))
            else controller.error(new Error('cut'))
            isFirst = false
          },
        })
        return post(body)
      },
    ],
  ])('are released when a body %s', async (_what, status, send) => {
    const hold = vi.spyOn(bodies, 'hold')
    const response = await send()
    await response.text()
    expect([response.status, bodies.heldBytes]).toEqual([status, 0])
    expect(hold.mock.calls.length).toBeGreaterThan(0)
  })

  it('are held while the model thinks, and released when the client leaves', async () => {
    const client = new AbortController()
    let heldBytes = 0
    const answer = post(hello(500), {
      signal: client.signal,
      upstream: () => {
        heldBytes = bodies.heldBytes
        client.abort()
        return new Promise(() => {})
      },
    })
    expect([(await answer).status, heldBytes, bodies.heldBytes]).toEqual([499, 500, 0])
  })

  it('are held until a stream’s end, however it ends', async () => {
    const body = hello(500).replace('"user":', '"stream":true,"user":')
    const read = await post(body, { upstream: STREAM_ANSWER })
    expect([read.status, bodies.heldBytes]).toEqual([200, body.length])
    await read.text()
    await vi.waitFor(() => expect(bodies.heldBytes).toBe(0))
    const left = await post(body, { upstream: STREAM_ANSWER })
    expect([left.status, bodies.heldBytes]).toEqual([200, body.length])
    await left.body?.cancel()
    await vi.waitFor(() => expect(bodies.heldBytes).toBe(0))
  })
})
