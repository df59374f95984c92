/**
 * The upstream breaks in every way while others are served. What is lost in each is stated; what must hold in all: the
 * caller gets a clean end within bounds, and no other call notices.
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

/** Runs `trouble` in the midst of calls, JSON and streams, that all must be answered whole. */
async function amidTraffic<T>(trouble: () => Promise<T>): Promise<T> {
  const over = new AbortController()
  const streamed = `${EVENT.repeat(20)}data: [DONE]\n\n`
  const serve = async (stream: boolean): Promise<number> => {
    let served = 0
    do {
      const answer = stream ? streamAnswer(EVENT.repeat(20) + 'data: [DONE]\n\n') : jsonAnswer(GOOD)
      const response = await contract.complete(answer, { stream })
      expect([response.status, await response.text()]).toEqual([200, stream ? streamed : GOOD])
      served += 1
    } while (!over.signal.aborted)
    return served
  }
  const traffic = Promise.all([serve(false), serve(false), serve(true), serve(true)])
  try {
    return await trouble()
  } finally {
    over.abort()
    expect((await traffic).every((served) => served > 0)).toBe(true)
  }
}

async function troubled(answer: Answer, stream: boolean): Promise<{ status: number; text: string }> {
  return amidTraffic(async () => {
    const response = await contract.complete(answer, { stream })
    return { status: response.status, text: await response.text() }
  })
}

describe('asked for JSON, an upstream', () => {
  it.each<[string, Answer, number, string]>([
    // Lost: this answer, and its usage. The SDKs ask again.
    ['that closes without a word', { instead: 'cut' }, 502, 'upstream_error'],
    ['that resets', { instead: 'reset' }, 502, 'upstream_error'],
    // Lost: the answer, and a time-out's length of waiting. What the model did by then is billed and not in the ledger.
    ['that hangs', { instead: 'hang' }, 504, 'timeout'],
    ['that hangs in its answer', { ...jsonAnswer(''), body: ['{"cho'], ending: 'hang' }, 504, 'timeout'],
    // Lost: the answer. It was billed, and is counted as a failure without tokens: nobody has seen them.
    [
      'that breaks off in its answer',
      { ...jsonAnswer(''), body: [GOOD.slice(0, 30)], ending: 'reset' },
      502,
      'upstream_error',
    ],
    ['that ends too early', jsonAnswer(GOOD.slice(0, 30)), 502, 'upstream_error'],
    ['that sends garbage with a 200', jsonAnswer('<html>\u0000{{{'), 502, 'upstream_error'],
    ['that sends nothing with a 200', jsonAnswer(''), 502, 'upstream_error'],
    ['that sends bytes that are no text', jsonAnswer(Buffer.from([0xff, 0x00, 0xc3])), 502, 'upstream_error'],
    [
      'that sends HTML with a 200',
      { headers: { 'content-type': 'text/html' }, body: '<html>' },
      502,
      'upstream_error',
    ],
  ])('%s: one envelope for its caller, nothing for others', async (_name, answer, status, code) => {
    const failed = await troubled(answer, false)
    expect(failed.status).toBe(status)
    expect(JSON.parse(failed.text)).toEqual({
      error: { message: expect.any(String), type: 'server_error', param: null, code },
    })
  })

  it('that sends 30 MB loses nothing of them, but its usage is not known', async () => {
    const body = `{"choices":[{"message":{"content":"${'a'.repeat(30 * 1024 * 1024)}"}}]}`
    const { status, text } = await troubled(jsonAnswer(body), false)
    expect([status, text.length, text === body]).toEqual([200, body.length, true])
  })
})

describe('asked for a stream, an upstream', () => {
  it.each<[string, Answer]>([
    // Lost: what had not come. The caller has all that had, then an error and no [DONE], so that it does not take it for all.
    ['that resets after an event', streamAnswer([EVENT], 'reset')],
    ['that resets in an event', streamAnswer([EVENT, EVENT.slice(0, 12)], 'reset')],
    ['that closes in an event', streamAnswer([EVENT, EVENT.slice(0, 12)], 'cut')],
    ['that resets in a character', streamAnswer([EVENT, Buffer.from([0xf0, 0x9f])], 'reset')],
    // Lost: the answer. Its headers had gone out, with a comment in place of the first byte.
    ['that hangs after its headers', streamAnswer([], 'hang')],
    ['that ends without a byte', streamAnswer('')],
  ])('%s: an error event for its caller, nothing for others', async (_name, answer) => {
    const { status, text } = await troubled(answer, true)
    expect(status).toBe(200)
    expect(text).toMatch(ERROR_EVENT)
    expect(text).not.toContain('[DONE]')
  })

  it.each<[string, Answer, number]>([
    ['that closes without a word', { instead: 'cut' }, 502],
    ['that resets', { instead: 'reset' }, 502],
    ['that sends JSON with a 200', jsonAnswer(GOOD), 502],
  ])('%s: an envelope for its caller, nothing for others', async (_name, answer, status) => {
    expect((await troubled(answer, true)).status).toBe(status)
  })

  it.each(['{}', 'data: {{{\n\n', '\u0000\u0001\u0002', 'data: [DONE]\n\ndata: {}\n\n'])(
    // Lost: nothing. It is the upstream's, piped as it is; a key whose streams are metered gets an error event behind it.
    'that sends %j as events is passed on as it is',
    async (garbage) => {
      expect((await troubled(streamAnswer(garbage), true)).text).toBe(garbage)
    },
  )

  it('that sends 10 MB in one event loses nothing, piped or metered; only its usage is not looked for', async () => {
    const event = `data: {"choices":[{"delta":{"content":"${'a'.repeat(10 * 1024 * 1024)}"}}]}\n\n`
    const whole = `${event}data: [DONE]\n\n`
    const { status, text } = await troubled(streamAnswer(whole), true)
    expect([status, text === whole]).toEqual([200, true])
    const { secret } = await contract.gateway.issueKey({ limits: { tokensPerMinute: 1_000_000_000 } })
    const { body } = contract.prepare(streamAnswer(whole), { stream: true })
    const metered = await amidTraffic(async () => {
      const response = await contract.post(body, { authorization: `Bearer ${secret}` })
      return response.text()
    })
    expect(metered === whole).toBe(true)
  })
})

describe('an upstream that refuses connections', () => {
  const closed = useContractGateway()

  it('is a 502 for all, and forgotten once it is back', async () => {
    const { port } = closed.upstream
    await closed.upstream.stop()
    // Lost: every call in that time. Nothing is kept for later.
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
    const back = createServer((socket) => {
      socket.once('data', () =>
        socket.end(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${GOOD.length}\r\nconnection: close\r\n\r\n${GOOD}`,
        ),
      )
    }).listen(port, '127.0.0.1')
    await once(back, 'listening')
    expect((back.address() as AddressInfo).port).toBe(port)
    const response = await closed.post({ model: 'o3-mini', messages: [{ role: 'user', content: 'Hello!' }] })
    expect([response.status, await response.text()]).toEqual([200, GOOD])
    back.close()
  })
})
