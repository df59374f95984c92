/** A client disconnects in the middle of a stream under `wrangler dev`, and the simulator logs the cancellation. */
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
