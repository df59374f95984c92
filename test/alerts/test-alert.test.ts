/** `POST /admin/alerts/test` tries the webhook, and says what it answered or what is wrong. */
import { reset } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { SEND_TIMEOUT_MS } from '../../src/alerts/webhook.ts'
import { recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, send } from '../support/gateway.ts'
import { isolate, type Send } from '../support/isolate.ts'
import { WEBHOOK_SECRET } from '../support/webhook.ts'
import { answer, isSigned, received } from './receiving.ts'

beforeEach(() => answer(200))
afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

async function test(from: Send = send): Promise<Record<string, unknown>> {
  const response = await from('POST', '/admin/alerts/test', ADMIN_TOKEN)
  expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
  return response.json()
}

const MS = expect.any(Number)

describe('a test alert', () => {
  it('is for the operator alone', async () => {
    expect((await send('POST', '/admin/alerts/test', 'none')).status).toBe(401)
    expect(await received()).toEqual([])
  })

  it('is sent at once, signed, and the answer says how long it took', async () => {
    expect(await test()).toEqual({ state: 'delivered', status: 200, ms: MS, signed: true })
    const [sent, ...others] = await received()
    expect(others).toEqual([])
    expect(sent && (await isSigned(sent, WEBHOOK_SECRET))).toBe(true)
    expect(JSON.parse(sent?.body ?? '')).toEqual({
      text: 'This is a test alert of the gateway.',
      id: expect.stringMatching(/^test:/),
      at: expect.any(String),
      type: 'test',
    })
  })

  it('has no signature without a secret, and says so', async () => {
    const unsigned = isolate(undefined, { ALERT_WEBHOOK_SECRET: '' })
    expect(await test(unsigned)).toMatchObject({ state: 'delivered', signed: false })
    expect((await received())[0]?.headers['x-gateway-signature']).toBeUndefined()
  })

  it.each([
    [500, /retried for a day/],
    [404, /wrangler secret put ALERT_WEBHOOK_URL/],
    [302, /wrangler secret put ALERT_WEBHOOK_URL/],
  ])('that the endpoint answers with %i has failed, with what to do', async (status, action) => {
    await answer(status)
    expect(await test()).toEqual({
      state: 'failed',
      status,
      ms: MS,
      signed: true,
      reason: expect.stringContaining(`answered ${status}`),
      action: expect.stringMatching(action),
    })
    expect(await received()).toHaveLength(1)
  })

  it('does not wait for the rest of an endless answer', async () => {
    await answer('endless body')
    expect(await test()).toMatchObject({ state: 'delivered' })
  })

  it('waits 10 seconds for an answer at most', async () => {
    await answer('hang')
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    const pending = test(isolate())
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0))
    await vi.advanceTimersByTimeAsync(SEND_TIMEOUT_MS)
    expect(await pending).toMatchObject({
      state: 'failed',
      status: null,
      reason: expect.stringContaining(`no answer within ${SEND_TIMEOUT_MS} ms`),
    })
  })

  it.each([
    [undefined, /is not set/],
    ['', /is not set/],
    ['hooks.example', /is no https address/],
    ['http://hooks.example/x', /is no https address/],
    ['https://user:word@hooks.example', /has a user name/],
    ['file:///etc/passwd', /is no https address/],
  ])('says what to run where the address is %j', async (url, reason) => {
    const log = recordLog()
    const answered = await test(isolate(undefined, { ALERT_WEBHOOK_URL: url }))
    expect(answered).toEqual({
      state: 'off',
      status: null,
      ms: null,
      signed: false,
      reason: expect.stringMatching(reason),
      action: 'Run: npx wrangler secret put ALERT_WEBHOOK_URL',
    })
    if (url) expect(JSON.stringify([answered, log])).not.toContain(url)
    expect(await received()).toEqual([])
  })

  it('does not show the address of an endpoint that cannot be reached', async () => {
    const log = recordLog()
    const url = `${inject('webhookOrigin').replace(/:\d+$/, ':1')}/services/of-the-operator`
    const answered = await test(isolate(undefined, { ALERT_WEBHOOK_URL: url }))
    expect(answered).toMatchObject({ state: 'failed', status: null, action: expect.any(String) })
    expect(JSON.stringify([answered, log])).not.toContain('of-the-operator')
  })
})
