/**
 * The upstream fails in every way while other calls are served. A comment states what each failure loses. The caller
 * must always get a clean end in bounded time, and other calls must not be affected.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { useContractGateway } from '../../support/node/contract-gateway.ts'
import { type Answer, jsonAnswer, streamAnswer } from '../../support/node/upstream-answer.ts'

const contract = useContractGateway({ UPSTREAM_TIMEOUT_SECONDS: '1', STREAM_KEEPALIVE_SECONDS: '1' })

const GOOD = '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
const EVENT = 'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
const ERROR_EVENT = /\n\ndata: \{"error":\{"message":"[^\n]+"\}\}\n\n$/

/** Runs `action` during concurrent calls, JSON and streams, which must all be answered whole. */
async function duringTraffic<T>(action: () => Promise<T>): Promise<T> {
  const done = new AbortController()
  const streamed = `${EVENT.repeat(20)}data: [DONE]\n\n`
  const serve = async (stream: boolean): Promise<number> => {
    let served = 0
    do {
      const answer = stream ? streamAnswer(EVENT.repeat(20) + 'data: [DONE]\n\n') : jsonAnswer(GOOD)
      const response = await contract.complete(answer, { stream })
      expect([response.status, await response.text()]).toEqual([200, stream ? streamed : GOOD])
      served += 1
    } while (!done.signal.aborted)
    return served
  }
  const traffic = Promise.all([serve(false), serve(false), serve(true), serve(true)])
  try {
    return await action()
  } finally {
    done.abort()
    expect((await traffic).every((served) => served > 0)).toBe(true)
  }
}

async function completeDuringTraffic(
  answer: Answer,
  stream: boolean,
): Promise<{ status: number; text: string }> {
  return duringTraffic(async () => {
    const response = await contract.complete(answer, { stream })
    return { status: response.status, text: await response.text() }
  })
}

describe('asked for JSON, an upstream', () => {
  it.each<[string, Answer, number, string]>([
    // Lost: this answer and its usage. The SDKs retry.
    ['that closes without an answer', { instead: 'cut' }, 502, 'upstream_error'],
    ['that resets', { instead: 'reset' }, 502, 'upstream_error'],
    // Lost: the answer, after one time-out. The model's work is billed, but is not in the ledger.
    ['that hangs', { instead: 'hang' }, 504, 'timeout'],
    ['that hangs during its answer', { ...jsonAnswer(''), body: ['{"cho'], ending: 'hang' }, 504, 'timeout'],
    // Lost: the answer. It was billed, and is counted as a failure without tokens, which were never reported.
    [
      'that resets during its answer',
      { ...jsonAnswer(''), body: [GOOD.slice(0, 30)], ending: 'reset' },
      502,
      'upstream_error',
    ],
    ['that sends truncated JSON', jsonAnswer(GOOD.slice(0, 30)), 502, 'upstream_error'],
    ['that sends garbage with a 200', jsonAnswer('<html>\u0000{{{'), 502, 'upstream_error'],
    ['that sends nothing with a 200', jsonAnswer(''), 502, 'upstream_error'],
    ['that sends invalid UTF-8', jsonAnswer(Buffer.from([0xff, 0x00, 0xc3])), 502, 'upstream_error'],
    [
      'that sends HTML with a 200',
      { headers: { 'content-type': 'text/html' }, body: '<html>' },
      502,
      'upstream_error',
    ],
  ])(
    '%s gives its caller one envelope, and does not affect other calls',
    async (_name, answer, status, code) => {
      const failed = await completeDuringTraffic(answer, false)
      expect(failed.status).toBe(status)
      expect(JSON.parse(failed.text)).toEqual({
        error: { message: expect.any(String), type: 'server_error', param: null, code },
      })
    },
  )

  it('that sends 30 MB is passed on whole', async () => {
    // Lost: only the usage.
    const body = `{"choices":[{"message":{"content":"${'a'.repeat(30 * 1024 * 1024)}"}}]}`
    const { status, text } = await completeDuringTraffic(jsonAnswer(body), false)
    expect([status, text.length, text === body]).toEqual([200, body.length, true])
  })
})

describe('asked for a stream, an upstream', () => {
  it.each<[string, Answer]>([
    // Lost: the rest of the stream. The caller gets the first part, then an error and no [DONE].
    ['that resets after an event', streamAnswer([EVENT], 'reset')],
    ['that resets within an event', streamAnswer([EVENT, EVENT.slice(0, 12)], 'reset')],
    ['that closes within an event', streamAnswer([EVENT, EVENT.slice(0, 12)], 'cut')],
    ['that resets within a character', streamAnswer([EVENT, Buffer.from([0xf0, 0x9f])], 'reset')],
    // Lost: the answer. The headers and a keep-alive comment were already sent.
    ['that hangs after its headers', streamAnswer([], 'hang')],
    ['that ends without a byte', streamAnswer('')],
  ])('%s gives its caller an error event, and does not affect other calls', async (_name, answer) => {
    const { status, text } = await completeDuringTraffic(answer, true)
    expect(status).toBe(200)
    expect(text).toMatch(ERROR_EVENT)
    expect(text).not.toContain('[DONE]')
  })

  it.each<[string, Answer, number]>([
    ['that closes without an answer', { instead: 'cut' }, 502],
    ['that resets', { instead: 'reset' }, 502],
    ['that sends JSON with a 200', jsonAnswer(GOOD), 502],
  ])('%s gives its caller an envelope, and does not affect other calls', async (_name, answer, status) => {
    expect((await completeDuringTraffic(answer, true)).status).toBe(status)
  })

  it.each(['{}', 'data: {{{\n\n', '\u0000\u0001\u0002', 'data: [DONE]\n\ndata: {}\n\n'])(
    // Lost: nothing, because the stream is piped. A metered stream gets an error event after it.
    'that sends %j as events is passed on unchanged',
    async (garbage) => {
      expect((await completeDuringTraffic(streamAnswer(garbage), true)).text).toBe(garbage)
    },
  )

  it('that sends 10 MB in one event is passed on whole, piped or metered', async () => {
    // Lost: only the usage.
    const event = `data: {"choices":[{"delta":{"content":"${'a'.repeat(10 * 1024 * 1024)}"}}]}\n\n`
    const whole = `${event}data: [DONE]\n\n`
    const { status, text } = await completeDuringTraffic(streamAnswer(whole), true)
    expect([status, text === whole]).toEqual([200, true])
    const { secret } = await contract.gateway.issueKey({ limits: { tokensPerMinute: 1_000_000_000 } })
    const { body } = contract.prepare(streamAnswer(whole), { stream: true })
    const metered = await duringTraffic(async () => {
      const response = await contract.post(body, { authorization: `Bearer ${secret}` })
      return response.text()
    })
    expect(metered === whole).toBe(true)
  })
})

describe('an upstream that refuses connections', () => {
  const closed = useContractGateway()

  it('is a 502 for every call, until it accepts connections again', async () => {
    const { port } = closed.upstream
    await closed.upstream.stop()
    // Lost: every call in that time. The gateway queues nothing.
    for (const stream of [false, true]) {
      const response = await closed.post({ model: 'o3-mini', messages: [], stream })
      expect(response.status).toBe(400)
      const refused = await closed.post({
        model: 'o3-mini',
        messages: [{ role: 'user', content: 'Hello!' }],
        stream,
      })
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([502, '1'])
    }
    const restored = createServer((socket) => {
      socket.once('data', () =>
        socket.end(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${GOOD.length}\r\nconnection: close\r\n\r\n${GOOD}`,
        ),
      )
    }).listen(port, '127.0.0.1')
    await once(restored, 'listening')
    expect((restored.address() as AddressInfo).port).toBe(port)
    const response = await closed.post({ model: 'o3-mini', messages: [{ role: 'user', content: 'Hello!' }] })
    expect([response.status, await response.text()]).toEqual([200, GOOD])
    restored.close()
  })
})
