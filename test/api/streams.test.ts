/** Streams that are silent, fail, or are cancelled end cleanly for the client and the upstream. */
import { createExecutionContext, reset, waitOnExecutionContext } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { app } from '../../src/app.ts'
import { linesOf, recordLog } from '../support/console.ts'
import {
  AT_ONCE,
  complete,
  env,
  errorOf,
  HELLO,
  issueKey,
  send,
  type ErrorEnvelope,
} from '../support/gateway.ts'
import { SLUG, takes } from '../support/upstream-kind.ts'

let secret: string
beforeEach(async () => {
  ;({ secret } = await issueKey())
})
afterEach(async () => {
  await reset()
})

/** Streams a completion under other vars; `done` waits for the background work after the answer. */
async function stream(
  vars: Record<string, unknown>,
  simulate: Record<string, unknown>,
  body: object = {},
  key = secret,
) {
  const context = createExecutionContext()
  const response = await app.request(
    '/v1/chat/completions',
    {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...HELLO, stream: true, simulate: { ...AT_ONCE, ...simulate }, ...body }),
    },
    { ...env, ...vars },
    context,
  )
  return { response, done: () => waitOnExecutionContext(context) }
}

/** Splits a failed stream into its final error event and the text before it. */
function splitFailedStream(text: string): { before: string; error: ErrorEnvelope['error'] } {
  const at = text.lastIndexOf('\n\ndata: {"error":')
  expect(at).toBeGreaterThanOrEqual(0)
  const { error }: ErrorEnvelope = JSON.parse(text.slice(at + '\n\ndata: '.length))
  return { before: text.slice(0, at), error }
}

describe('a silent upstream', () => {
  it('causes keep-alive comments until its first output, and none after it', async () => {
    const { response } = await stream({ STREAM_KEEPALIVE_SECONDS: 1 }, { thinkMs: 2500, chunks: 3 })
    expect(response.status).toBe(200)
    const text = await response.text()
    expect(text).toMatch(/^(: keep-alive\n\n){2}data: \{/)
    expect(text.match(/: keep-alive/g)).toHaveLength(2)
    expect(text).toMatch(/data: \[DONE\]\n\n$/)
  })

  it('with late headers causes a first comment under the answer’s own headers', async () => {
    const { response } = await stream({ STREAM_KEEPALIVE_SECONDS: 1 }, { firstByteDelayMs: 1500, chunks: 1 })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    expect(await response.text()).toMatch(/^: keep-alive\n\ndata: \{/)
  })

  it('that fails after the first comment ends the stream with an error event, without [DONE]', async () => {
    const log = recordLog()
    const simulate = {
      firstByteDelayMs: 1500,
      error: { shape: 'cloudflare_errors', status: 429, code: 3040 },
    }
    const { response, done } = await stream({ STREAM_KEEPALIVE_SECONDS: 1 }, simulate)
    const text = await response.text()
    expect(splitFailedStream(text).error).toMatchObject({ code: 'rate_limit_exceeded' })
    expect(text).not.toContain('[DONE]')
    await done()
    expect(linesOf(log, 'request')[0]).toMatchObject({
      outcome: 'upstream_failed',
      reason: 'upstream_busy, status 429, code 3040',
    })
  })

  it('causes no comment when keep-alive is off', async () => {
    const { response } = await stream({ STREAM_KEEPALIVE_SECONDS: 0 }, { thinkMs: 1200, chunks: 1 })
    expect(await response.text()).toMatch(/^data: /)
  })

  it('times out after UPSTREAM_TIMEOUT_SECONDS: with a 504 before the headers, with an error event after', async () => {
    const vars = { UPSTREAM_TIMEOUT_SECONDS: 1, STREAM_KEEPALIVE_SECONDS: 0 }
    const before = await stream(vars, { hang: 'headers', tag: 'late' })
    expect([before.response.status, (await errorOf(before.response)).code]).toEqual([504, 'timeout'])
    const after = await stream(vars, { hang: true })
    expect(after.response.status).toBe(200)
    expect(splitFailedStream(await after.response.text()).error).toMatchObject({
      type: 'server_error',
      code: 'timeout',
    })
    const json = await stream(vars, { hang: 'headers' }, { stream: false })
    expect([json.response.status, (await errorOf(json.response)).code]).toEqual([504, 'timeout'])
  })
})

describe.each([
  ['piped natively', 'never'],
  ['metered', 'always'],
])('a stream that is %s', (_way, METER_STREAMS) => {
  it.runIf(takes('chat'))(
    'arrives byte for byte, without the usage event that only the gateway requested',
    { timeout: 20_000 },
    async () => {
      const asked = { stream_options: { include_usage: true } }
      for (const chunkBytes of [undefined, 1, 7, 1000]) {
        const simulate = { chunks: 20, chunkDelayMs: 0, ...(chunkBytes === undefined ? {} : { chunkBytes }) }
        const plain = await (await stream({ METER_STREAMS }, simulate)).response.text()
        const withUsage = await (await stream({ METER_STREAMS }, simulate, asked)).response.text()
        expect(plain).not.toContain('"usage":{')
        expect(plain).toMatch(/data: \[DONE\]\n\n$/)
        expect(withUsage.match(/"usage":\{/g)).toHaveLength(1)
        const direct = await env.AI.run(
          SLUG,
          {
            messages: HELLO.messages,
            stream: true,
            simulate: { ...AT_ONCE, ...simulate },
            ...asked,
            store: false,
          },
          { returnRawResponse: true, gateway: { id: 'default' }, signal: new AbortController().signal },
        )
        if (!(direct instanceof Response)) throw new Error('the simulator returned no response')
        expect(withUsage).toBe(await direct.text())
      }
    },
  )

  it('and fails ends with one error event and no [DONE]', async () => {
    const log = recordLog()
    const { response, done } = await stream({ METER_STREAMS }, { chunks: 20, cut: 10 })
    const text = await response.text()
    const { before, error } = splitFailedStream(text)
    expect(before.match(/data: /g)?.length).toBeGreaterThanOrEqual(1)
    expect(error).toMatchObject({ type: 'server_error', code: 'upstream_error' })
    expect(text).not.toContain('[DONE]')
    await done()
    expect(linesOf(log, 'request')[0]).toMatchObject({
      status: 200,
      outcome: 'upstream_failed',
      reason: 'upstream_broken',
    })
  })

  it('and cancelled by the client cancels the upstream, and is logged as client_closed', async () => {
    const log = recordLog()
    // A signal reaches the simulator only from a real request. The key's limits therefore choose piping or metering.
    const key = await issueKey(METER_STREAMS === 'always' ? { limits: { tokensPerMinute: 1_000_000 } } : {})
    const tag = `cancelled-${METER_STREAMS}`
    const response = await complete(key.secret, {
      stream: true,
      simulate: { ...AT_ONCE, chunks: 1000, chunkDelayMs: 10, tag },
    })
    const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader()
    await reader.read()
    await reader.cancel()
    await vi.waitFor(async () => {
      expect((await env.AI.cancellations()).map((cancellation) => cancellation.tag)).toContain(tag)
      expect(linesOf(log, 'request').at(-1)).toMatchObject({ outcome: 'client_closed', level: 'info' })
    })
  })

  it('and cancelled before its first byte is noticed at the next comment', async () => {
    const log = recordLog()
    const { response, done } = await stream({ METER_STREAMS, STREAM_KEEPALIVE_SECONDS: 1 }, { hang: true })
    await response.body?.cancel()
    await done()
    expect(linesOf(log, 'request')[0]).toMatchObject({ outcome: 'client_closed' })
  })
})

describe('only a metered stream', () => {
  it('reports an error when it ends without [DONE]', async () => {
    const read = await stream({ METER_STREAMS: 'always' }, { chunks: 20, end: 5 })
    expect(splitFailedStream(await read.response.text()).error).toMatchObject({ code: 'upstream_error' })
  })

  it.runIf(takes('chat'))('costs no JavaScript for each chunk', async () => {
    const piped = await stream({ METER_STREAMS: 'never' }, { chunks: 20, end: 5 })
    expect(await piped.response.text()).not.toContain('error')
  })

  it('times out after STREAM_IDLE_SECONDS between two chunks', async () => {
    const { response } = await stream(
      { METER_STREAMS: 'always', STREAM_IDLE_SECONDS: 1 },
      { chunks: 20, hang: 10 },
    )
    expect(splitFailedStream(await response.text()).error).toMatchObject({ code: 'timeout' })
  })
})

describe('a key with a token limit', () => {
  it('has its streams metered, and settles from the reported usage', async () => {
    const key = await issueKey({ limits: { tokensPerMinute: 10_000 } })
    const usage = { prompt_tokens: 1000, completion_tokens: 2000, total_tokens: 3000 }
    const first = await stream({}, { usage, chunks: 3 }, { max_completion_tokens: 300 }, key.secret)
    expect(await first.response.text()).not.toContain('"usage":{')
    await first.done()
    const second = await complete(key.secret, { max_completion_tokens: 100 })
    expect(second.headers.get('x-ratelimit-remaining-tokens')).toBe('6895')
  })
})

it('METER_STREAMS = "never" without a log does not serve a key with a budget for nothing', async () => {
  const key = await issueKey({ limits: { budget: { usd: 1, period: 'day' } } })
  const vars = { METER_STREAMS: 'never', AI_GATEWAY_COLLECT_LOG: 'false' }
  const { response, done } = await stream(vars, { chunks: 3 }, {}, key.secret)
  await response.text()
  await done()
  const usage = await send('GET', '/v1/usage', key.secret)
  const { today } = await usage.json<{ today: { completionTokens: number; costUsd: number } }>()
  expect(today.completionTokens).toBeGreaterThan(0)
  expect(today.costUsd).toBeGreaterThan(0)
})
