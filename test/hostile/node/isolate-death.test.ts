/**
 * An isolate that dies between an answer and the write of what it took. What is lost: what was added since the last write,
 * which is at most a second of one key's usage, and the limiter's counts, which begin anew. What is not: all before it.
 */
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'
import { startKvServer, type KvServer } from '../../support/node/kv-server.ts'
import { type RealBindingGateway, startRealBindingGateway } from '../../support/node/real-binding-gateway.ts'
import { jsonAnswer } from '../../support/node/upstream-answer.ts'
import { startUpstreamServer, type UpstreamServer } from '../../support/node/upstream-server.ts'

const USAGE = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 }

let upstream: UpstreamServer
let kv: KvServer
beforeAll(async () => {
  upstream = await startUpstreamServer(
    jsonAnswer(JSON.stringify({ object: 'chat.completion', choices: [], usage: USAGE })),
  )
  kv = await startKvServer()
})
afterAll(async () => {
  await upstream.stop()
  await kv.stop()
})

function start(): Promise<RealBindingGateway> {
  return startRealBindingGateway({ upstreamPort: upstream.port, kv, uploadPath: inject('uploadPath') })
}

async function complete(gateway: RealBindingGateway, secret: string): Promise<number> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'o3-mini', messages: [{ role: 'user', content: 'Hi' }] }),
  })
  await response.arrayBuffer()
  return response.status
}

async function requestsToday(gateway: RealBindingGateway, secret: string): Promise<number> {
  const response = await fetch(`${gateway.url}/v1/usage`, { headers: { authorization: `Bearer ${secret}` } })
  return ((await response.json()) as { today: { requests: number } }).today.requests
}

it('loses at most what was not written yet: a key, what it took before and the answers given stand', async () => {
  const first = await start()
  const { secret } = await first.issueKey()
  expect(await complete(first, secret)).toBe(200)
  await vi.waitFor(() => expect([...kv.entries.keys()].some((name) => name.startsWith('usage:'))).toBe(true))
  // Within the second after the first write these are in memory only.
  expect([await complete(first, secret), await complete(first, secret)]).toEqual([200, 200])
  process.kill(first.pid, 'SIGKILL')
  await first.stop()

  const second = await start()
  const stored = await requestsToday(second, secret)
  expect(stored).toBeGreaterThanOrEqual(1)
  expect(stored).toBeLessThanOrEqual(3)
  // The new isolate writes a shard of its own beside the dead one's.
  expect(await complete(second, secret)).toBe(200)
  await vi.waitFor(async () => expect(await requestsToday(second, secret)).toBe(stored + 1))
  await second.stop()
})
