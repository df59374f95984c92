/** Clients disconnect under `wrangler dev`: in the middle of a stream, and in the middle of an upload. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type OfflineGateway, startOfflineGateway } from '../support/node/offline-gateway.ts'
import { rawConnect, rawPost } from '../support/node/raw-client.ts'

const SECRET = 'sk-gw-LocalOffline-ForThisMachineOnlyNotSecret0xan2N'

let gateway: OfflineGateway
beforeAll(async () => {
  gateway = await startOfflineGateway()
})
afterAll(async () => {
  await gateway.stop()
})

it('a client that disconnects cancels the upstream, and is logged as client_closed', async () => {
  const client = rawPost(`${gateway.url}/v1/chat/completions`, SECRET, {
    model: 'o3-mini',
    stream: true,
    messages: [{ role: 'user', content: 'Hi' }],
    simulate: { thinkMs: 0, chunkDelayMs: 20, chunks: 100_000 },
  })
  await client.until(/data: \{/)
  client.reset()
  await vi.waitFor(
    () => {
      expect(gateway.output()).toMatch(/simulator: client left after \d+ chunks/)
      expect(gateway.output()).toContain('"outcome":"client_closed"')
    },
    { timeout: 10_000, interval: 50 },
  )
})

it('a client that resets in the middle of its upload does not end the server', async () => {
  for (let i = 0; i < 3; i++) {
    const client = rawConnect(gateway.url)
    await client.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${SECRET}\r\n` +
        'content-type: application/json\r\ncontent-length: 5000\r\n\r\n{"model": "o3-mini", ',
    )
    client.reset()
    await client.closed
  }
  await vi.waitFor(() => expect(gateway.output()).toContain('wrangler: a request was lost'), {
    timeout: 10_000,
    interval: 50,
  })
  const response = await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${SECRET}` } })
  expect(response.status).toBe(200)
  expect(gateway.ended()).toBeUndefined()
})
