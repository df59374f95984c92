/** Clients upload slowly, without a key, or more than the isolate can hold, and leave in the middle of it. */
import { describe, expect, it, vi } from 'vitest'
import { MESSAGES, useContractGateway } from '../../support/node/contract-gateway.ts'
import { rawConnect, rawPost } from '../../support/node/raw-client.ts'
import { ADMIN_TOKEN } from '../../support/node/real-binding-gateway.ts'
import { jsonAnswer } from '../../support/node/upstream-answer.ts'

const contract = useContractGateway()
const hasty = useContractGateway({ BODY_SECONDS: '1' })

const CHUNKED = 'content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const head = (path: string, authorization = ''): string =>
  `POST ${path} HTTP/1.1\r\nhost: a\r\n${authorization}`
const bearer = (secret: string): string => `authorization: Bearer ${secret}\r\n`

/** Eight of them fill the isolate. */
const LARGE_BYTES = 4_150_000
const large = (user: string) => ({
  model: 'o3-mini',
  messages: MESSAGES,
  user,
  padding: 'x'.repeat(LARGE_BYTES),
})

/** The status of a large body that the upstream would answer at once. */
async function statusOfLarge(): Promise<number> {
  const response = await contract.complete(jsonAnswer('{"choices":[]}'), { padding: 'x'.repeat(LARGE_BYTES) })
  await response.arrayBuffer()
  if (response.status === 503) expect(response.headers.get('retry-after')).toBe('1')
  return response.status
}

async function expectStatusOfLarge(status: number): Promise<void> {
  await vi.waitFor(async () => expect(await statusOfLarge()).toBe(status), { timeout: 8_000, interval: 50 })
}

describe('a client without a key', () => {
  it.each(['/v1/chat/completions', '/v1/responses', '/admin/keys'])(
    'that still uploads to %s reads its 401, and its connection serves the next request',
    async (path) => {
      const client = rawConnect(contract.gateway.url)
      await client.write(head(path) + CHUNKED)
      for (let i = 0; i < 100; i += 1) await client.write(chunk('a'.repeat(60_000)))
      await client.write(`0\r\n\r\nGET /health HTTP/1.1\r\nhost: a\r\n\r\n`)
      const answers = await client.until(/\{"status":"ok"\}/)
      expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 200'])
      client.reset()
    },
  )
})

describe('a body that does not arrive in time', () => {
  it.each<[string, string, () => string, number]>([
    ['a key', '/v1/chat/completions', () => bearer(hasty.gateway.secret), 408],
    ['the operator', '/admin/keys', () => bearer(ADMIN_TOKEN), 408],
    ['a stranger', '/v1/chat/completions', () => '', 401],
  ])('from %s is not waited for', async (_who, path, authorization, status) => {
    for (const rest of [
      CHUNKED + chunk('{"model'),
      'content-type: application/json\r\ncontent-length: 99\r\n\r\n{',
    ]) {
      const client = rawConnect(hasty.gateway.url)
      await client.write(head(path, authorization()) + rest)
      expect(await client.until(/"code":[^}]+\}\}/)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      client.reset()
    }
  })
})

describe('the bytes that the isolate holds', { timeout: 30_000 }, () => {
  it('are bounded while models think, and free once their clients have left', async () => {
    const tags = Array.from({ length: 8 }, () => contract.prepare({ instead: 'hang' }).tag)
    const { url, secret } = contract.gateway
    const clients = tags.map((user) => rawPost(`${url}/v1/chat/completions`, secret, large(user)))
    await Promise.all(tags.map((tag) => contract.upstream.call(tag)))
    expect(await statusOfLarge()).toBe(503)
    for (const client of clients) client.reset()
    await expectStatusOfLarge(200)
  })

  it('are free once clients have left in the middle of their uploads', async () => {
    const bytes = JSON.stringify(large(''))
    const started = head('/v1/chat/completions', bearer(contract.gateway.secret))
    const ways = [
      `content-type: application/json\r\ncontent-length: ${bytes.length}\r\n\r\n${bytes.slice(0, -9)}`,
      `${CHUNKED}${chunk(bytes)}`,
    ]
    for (const way of ways) {
      // Without their release, the bytes of three rounds would be more than an isolate may hold.
      for (let round = 0; round < 3; round += 1) {
        const clients = Array.from({ length: 7 }, () => rawConnect(contract.gateway.url))
        await Promise.all(clients.map((client) => client.write(started + way)))
        await statusOfLarge()
        for (const client of clients) client.reset()
      }
      await expectStatusOfLarge(200)
    }
  })
})
