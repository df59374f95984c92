/** Every upstream failure, in any shape, gives the caller one clean envelope and the operator the cause. */
import { describe, expect, it } from 'vitest'
import { useContractGateway } from '../support/node/contract-gateway.ts'
import { failure, jsonAnswer } from '../support/node/upstream-answer.ts'
import { type Expected, INTERNALS, OTHER_KIND, ROWS } from './failure-cases.ts'

const contract = useContractGateway()

const KINDS = [
  ['JSON', false],
  ['stream', true],
] as const

/** Words of Cloudflare's protocol. The gateway's own messages may name `Cloudflare` itself. */
const INTERNAL_WORDS =
  /AiError|internalCode|workers-binding|gateway\.ai\.cloudflare|cf-ray|InferenceUpstream|__cf_bm|\b\d{4}: /i

async function expectFailure(response: Response, expected: Expected): Promise<void> {
  const text = await response.text()
  const { error } = JSON.parse(text) as { error: Record<string, unknown> }
  expect({
    status: response.status,
    contentType: response.headers.get('content-type'),
    requestId: response.headers.get('x-request-id'),
    retryAfter: response.headers.get('retry-after'),
    shouldRetry: response.headers.get('x-should-retry'),
    error,
  }).toEqual({
    status: expected.status,
    contentType: 'application/json',
    requestId: expect.stringMatching(/^req_[0-9A-Za-z]{32}$/),
    retryAfter: expected.retryAfter ?? null,
    shouldRetry: expected.shouldRetry ?? null,
    error: {
      message: expect.stringMatching(/^[A-Z].+\.$/),
      type: expected.type,
      param: expected.param ?? null,
      code: expected.code,
    },
  })
  const shown = JSON.stringify([...response.headers]) + text
  for (const internal of Object.values(INTERNALS)) expect(shown).not.toContain(internal)
  expect(shown).not.toMatch(INTERNAL_WORDS)
}

async function expectLogged(response: Response, expected: Expected): Promise<void> {
  const line = await contract.logLine(response)
  expect(line).toMatchObject({ status: expected.status, reason: expect.stringMatching(expected.reason) })
  const alerts = expected.alert !== undefined
  expect([line['level'] === 'error', line['alert'] !== undefined]).toEqual([
    alerts || expected.status === 500,
    alerts,
  ])
  if (expected.alert !== undefined) expect(line['alert']).toMatch(expected.alert)
  for (const internal of Object.values(INTERNALS)) expect(JSON.stringify(line)).not.toContain(internal)
}

describe.each(KINDS)('a request for %s', (kind, stream) => {
  it.each(ROWS)(
    'answered by %s gets the envelope, headers and log line of the table',
    async (_name, answer, expected) => {
      const response = await contract.complete(answer, { stream })
      await expectFailure(response, expected)
      await expectLogged(response, expected)
    },
  )

  it('answered by the other kind gets a 502', async () => {
    const response = await contract.complete(OTHER_KIND[kind], { stream })
    const expected = { status: 502, type: 'server_error', code: 'upstream_error', retryAfter: '1' }
    await expectFailure(response, { ...expected, reason: /^upstream_broken/ })
  })
})

describe('a failure', () => {
  it('is classified by its code, not by caller text that the vendor repeats', async () => {
    for (const phrase of ['insufficient balance', 'spend limit', 'needs to be run remotely', '3040: busy']) {
      const error = {
        message: `Invalid value: '${phrase}'.`,
        type: 'invalid_request_error',
        param: 'user',
        code: null,
      }
      const response = await contract.complete(failure.vendor(400, error))
      expect([response.status, await response.json()]).toEqual([400, { error }])
      expect(await contract.logLine(response)).not.toHaveProperty('alert')
    }
  })

  it('with an endless body is classified by its status and first bytes, and its call is cancelled', async () => {
    const body = ['{"errors":[{"code":3040,"message":"Capacity"}]}']
    const { tag, body: request } = contract.prepare({ ...jsonAnswer('', 500), body, ending: 'hang' })
    expect((await contract.post(request)).status).toBe(429)
    expect((await (await contract.upstream.call(tag)).ended).by).toBe('caller')
  })

  it('says when to retry when the upstream gives a date', async () => {
    const date = new Date(Date.now() + 30_000).toUTCString()
    const response = await contract.complete(failure.text(429, '', 'text/plain', { 'retry-after': date }))
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(28)
    expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(30)
  })

  it('does not affect the next call', async () => {
    await (await contract.complete({ instead: 'reset' })).text()
    expect((await contract.complete(jsonAnswer('{}'))).status).toBe(200)
  })
})
