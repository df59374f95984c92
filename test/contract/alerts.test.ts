/** Alerts of the production build under the bare runtime, to a real server. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'
import { MESSAGES } from '../support/node/contract-gateway.ts'
import { type KvServer, startKvServer } from '../support/node/kv-server.ts'
import {
  ADMIN_TOKEN,
  type RealBindingGateway,
  startRealBindingGateway,
} from '../support/node/real-binding-gateway.ts'
import { jsonAnswer } from '../support/node/upstream-answer.ts'
import { startUpstreamServer, type UpstreamServer } from '../support/node/upstream-server.ts'
import { startWebhookServer, type WebhookServer } from '../support/node/webhook-server.ts'
import { type Payload, type ReceivedAlert, WEBHOOK_SECRET } from '../support/webhook.ts'

const storagePath = mkdtempSync(join(tmpdir(), 'alerts-objects-'))
const PATIENT = { timeout: 20_000, interval: 50 }
let [upstream, webhook, kv]: [UpstreamServer?, WebhookServer?, KvServer?] = []

beforeAll(async () => {
  upstream = await startUpstreamServer(answerOf(1_000))
  webhook = await startWebhookServer()
  kv = await startKvServer()
})
afterAll(async () => {
  await Promise.all([upstream?.stop(), webhook?.stop(), kv?.stop()])
  rmSync(storagePath, { recursive: true, force: true })
})

/** An answer with so many tokens, of 4.40 dollars a million. */
function answerOf(completionTokens: number) {
  const usage = { prompt_tokens: 0, completion_tokens: completionTokens, total_tokens: completionTokens }
  const message = { role: 'assistant', content: 'Hi' }
  const choices = [{ index: 0, message, finish_reason: 'stop' }]
  return jsonAnswer(
    JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model: 'o3-mini', choices, usage }),
  )
}

function start(): Promise<RealBindingGateway> {
  if (upstream === undefined || webhook === undefined || kv === undefined)
    throw new Error('nothing has started')
  return startRealBindingGateway({
    upstreamPort: upstream.port,
    uploadPath: inject('uploadPath'),
    kv,
    storagePath,
    reachesThisMachine: true,
    vars: { ALERT_WEBHOOK_URL: `${webhook.origin}/hook`, ALERT_WEBHOOK_SECRET: WEBHOOK_SECRET },
  })
}

/** As the README tells a receiver to do it. */
function isGenuine({ headers, body }: ReceivedAlert): boolean {
  const parts = new URLSearchParams(headers['x-gateway-signature']?.replaceAll(',', '&'))
  const expected = createHmac('sha256', WEBHOOK_SECRET)
    .update(`${parts.get('t')}.${body}`)
    .digest()
  const isRecent = Math.abs(Date.now() / 1000 - Number(parts.get('t'))) < 300
  return isRecent && timingSafeEqual(expected, Buffer.from(parts.get('v1') ?? '', 'hex'))
}

const budgetAlerts = (): Payload[] =>
  (webhook?.received() ?? [])
    .map(({ body }) => JSON.parse(body) as Payload)
    .filter(({ type }) => type === 'budget')

it('reach the webhook once, signed, without a word of request or secret, although the gateway was killed while it hung', async () => {
  webhook?.reset('hang')
  const first = await start()
  const key = await first.issueKey({ limits: { budget: { usd: 0.005, period: 'day' } } })
  const ask = (gateway: RealBindingGateway) =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'o3-mini', messages: MESSAGES }),
    })
  expect((await ask(first)).status).toBe(200)
  await vi.waitFor(() => expect(budgetAlerts()).toMatchObject([{ percent: 80, budgetUsd: 0.005 }]), PATIENT)
  const [id] = budgetAlerts().map((payload) => payload.id)
  await first.stop()

  webhook?.reset(200)
  const second = await start()
  const usage = await fetch(`${second.url}/admin/keys/${key.id}/usage`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  expect(usage.status).toBe(200)
  await vi.waitFor(() => expect(budgetAlerts().map((payload) => payload.id)).toEqual([id]), PATIENT)
  expect((await ask(second)).status).toBe(200)
  await vi.waitFor(() => expect(budgetAlerts().map(({ percent }) => percent)).toEqual([80, 100]), PATIENT)
  await second.stop()
  for (const alert of webhook?.received() ?? []) {
    expect(isGenuine(alert)).toBe(true)
    expect(isGenuine({ ...alert, body: `${alert.body} ` })).toBe(false)
  }
  const told = JSON.stringify(webhook?.received())
  for (const secret of [key.secret, ADMIN_TOKEN, WEBHOOK_SECRET, 'Hello!']) expect(told).not.toContain(secret)
}, 60_000)
