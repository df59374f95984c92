/** A client that leaves in the middle of a stream, under `wrangler dev`, over a real socket: the simulator says that it saw it. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type OfflineGateway, startOfflineGateway } from '../support/node/offline-gateway.ts'
import { rawPost } from '../support/node/raw-client.ts'

const SECRET = 'sk-gw-LocalOffline-ForThisMachineOnlyNotSecret0xan2N'

let gateway: OfflineGateway
beforeAll(async () => {
  gateway = await startOfflineGateway()
})
afterAll(async () => {
  await gateway.stop()
})

it('cancels the upstream, and the log says client_closed', async () => {
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
