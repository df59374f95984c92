/** A stream's usage, over the real class, comes from the stream itself or from AI Gateway's log. */
import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { useContractGateway } from '../support/node/contract-gateway.ts'
import { rawPost } from '../support/node/raw-client.ts'
import { ADMIN_TOKEN, type IssuedKey } from '../support/node/real-binding-gateway.ts'
import { jsonAnswer, streamAnswer } from '../support/node/upstream-answer.ts'

const STREAM = readFileSync(
  new URL('../support/fixtures/chat-completion-stream.sse', import.meta.url),
  'utf8',
)
const EVENTS = STREAM.split(/(?<=\n\n)/)
const USAGE_EVENT = EVENTS.find((event) => event.includes('"usage":{')) ?? ''
const BESIDE_CHOICES = USAGE_EVENT.replace('"choices":[]', '"choices":[{"index":0,"delta":{}}]')
const LONG_EVENT = `data: {"choices":[{"delta":{"content":"${'x'.repeat(100_000)}"}}]}\n\n`
const WAIT = { timeout: 15_000, interval: 200 }
/** Leaves time for the pauses before the log is read: 5 s, and 30 s where the first question comes too early. */
const LOG_WAIT_MS = 15_000

const contract = useContractGateway()

interface Totals {
  requests: number
  failures: number
  promptTokens: number
  completionTokens: number
  pending: number
  estimated: number
  costUsd: number
}

async function usageOf({ id }: IssuedKey): Promise<Totals> {
  const response = await fetch(`${contract.gateway.url}/admin/keys/${id}/usage`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  return ((await response.json()) as { total: Totals }).total
}

/** Streams to its end a completion with the given log id. */
async function stream(secret: string, logId: string, events = STREAM): Promise<string> {
  const answer = streamAnswer(events)
  const headers = { ...answer.headers, 'cf-aig-log-id': logId }
  const prepared = contract.prepare({ ...answer, headers }, { stream: true })
  const response = await contract.post(prepared.body, { authorization: `Bearer ${secret}` })
  return response.text()
}

describe('a stream of a key without limits', () => {
  it(
    'is booked as pending, and corrected from AI Gateway’s log by the alarm of its account',
    { timeout: LOG_WAIT_MS },
    async () => {
      const key = await contract.gateway.issueKey()
      contract.upstream.logs.script('log-1', { record: { tokens_in: 16, tokens_out: 640 } })
      expect(await stream(key.secret, 'log-1')).toBe(STREAM)
      await vi.waitFor(async () => {
        expect(await usageOf(key)).toMatchObject({ requests: 1, pending: 1 })
      }, WAIT)
      await vi.waitFor(async () => {
        expect(await usageOf(key)).toMatchObject({
          requests: 1,
          promptTokens: 16,
          completionTokens: 640,
          pending: 0,
          estimated: 0,
          costUsd: 0.002834,
        })
      }, WAIT)
    },
  )
})

it(
  'an answer above 16 MiB goes out unread, and is booked by AI Gateway’s log',
  { timeout: LOG_WAIT_MS },
  async () => {
    const key = await contract.gateway.issueKey({ limits: { budget: { usd: 9, period: 'day' } } })
    contract.upstream.logs.script('log-large', { record: { tokens_in: 16, tokens_out: 640 } })
    const text = JSON.stringify({ choices: [{ message: { content: 'x'.repeat(17 * 1024 * 1024) } }] })
    const answer = jsonAnswer(text)
    const prepared = contract.prepare({
      ...answer,
      headers: { ...answer.headers, 'cf-aig-log-id': 'log-large' },
    })
    const response = await contract.post(prepared.body, { authorization: `Bearer ${key.secret}` })
    expect((await response.text()).length).toBe(text.length)
    await vi.waitFor(async () => {
      expect(await usageOf(key)).toMatchObject({ requests: 1, pending: 0, costUsd: 0.002834 })
    }, WAIT)
  },
)

describe('a stream of a key with a budget', () => {
  it('is metered from its own usage event, and charged to the micro-dollar', async () => {
    const key = await contract.gateway.issueKey({ limits: { budget: { usd: 1, period: 'day' } } })
    const text = await stream(key.secret, 'log-unasked')
    expect(text).not.toContain('"usage":{')
    await vi.waitFor(async () => {
      // 16 × 1.10 + 640 × 4.40 dollars per million, rounded up.
      expect(await usageOf(key)).toMatchObject({
        promptTokens: 16,
        completionTokens: 640,
        costUsd: 0.002834,
      })
    }, WAIT)
    expect(contract.upstream.logs.requests.map(({ logId }) => logId)).not.toContain('log-unasked')
  })

  it.each([
    ['stands beside choices', BESIDE_CHOICES, BESIDE_CHOICES],
    ['has white space', USAGE_EVENT.replace('"usage":{', '"usage" : {'), ''],
    ['follows an event above 64 KiB', LONG_EVENT + USAGE_EVENT, LONG_EVENT],
  ])(
    'is charged where its usage %s, and loses only an event without choices',
    async (_name, sent, received) => {
      const key = await contract.gateway.issueKey({ limits: { budget: { usd: 1, period: 'day' } } })
      const text = await stream(key.secret, 'log-unasked', STREAM.replace(USAGE_EVENT, sent))
      expect(text).toBe(STREAM.replace(USAGE_EVENT, received))
      await vi.waitFor(async () => {
        expect(await usageOf(key)).toMatchObject({ promptTokens: 16, completionTokens: 640, pending: 0 })
      }, WAIT)
    },
  )

  it('cancelled by its client is charged for the prompt and the output seen so far', async () => {
    const key = await contract.gateway.issueKey({ limits: { budget: { usd: 1, period: 'day' } } })
    const answer = streamAnswer(EVENTS.slice(0, 3), 'hang')
    const { tag, body } = contract.prepare(answer, { stream: true })
    const client = rawPost(`${contract.gateway.url}/v1/chat/completions`, key.secret, body)
    await client.until(/—/)
    client.reset()
    expect((await (await contract.upstream.call(tag)).ended).by).toBe('caller')
    await vi.waitFor(async () => {
      const totals = await usageOf(key)
      expect(totals).toMatchObject({ requests: 1, failures: 0, pending: 1 })
      expect(totals.promptTokens).toBeGreaterThan(5)
      expect(totals.completionTokens).toBeGreaterThanOrEqual(2)
    }, WAIT)
  })

  it('cut off by the upstream is charged for the output seen so far, and counted as a failure', async () => {
    const key = await contract.gateway.issueKey({ limits: { budget: { usd: 1, period: 'day' } } })
    const { body } = contract.prepare(streamAnswer(EVENTS.slice(0, 3), 'reset'), { stream: true })
    const response = await contract.post(body, { authorization: `Bearer ${key.secret}` })
    expect(await response.text()).toContain('"error"')
    await vi.waitFor(async () => {
      const totals = await usageOf(key)
      expect(totals).toMatchObject({ requests: 1, failures: 1, pending: 1 })
      expect(totals.promptTokens).toBeGreaterThan(5)
      expect(totals.completionTokens).toBeGreaterThanOrEqual(1)
    }, WAIT)
  })
})
