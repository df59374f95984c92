/**
 * An isolate can die between an answer and the write of its usage. It then loses the usage since the last write, at most
 * one second of one key's usage. The limiter's counts restart at zero. Everything written before is kept.
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

it('a killed isolate loses only its unwritten usage, and neither keys nor usage written before', async () => {
  const first = await start()
  const { secret } = await first.issueKey()
  expect(await complete(first, secret)).toBe(200)
  await vi.waitFor(() => expect([...kv.entries.keys()].some((name) => name.startsWith('usage:'))).toBe(true))
  // These two requests follow the first write by less than a second, so they are in memory only.
  expect([await complete(first, secret), await complete(first, secret)]).toEqual([200, 200])
  process.kill(first.pid, 'SIGKILL')
  await first.stop()

  const second = await start()
  const stored = await requestsToday(second, secret)
  expect(stored).toBeGreaterThanOrEqual(1)
  expect(stored).toBeLessThanOrEqual(3)
  // The new isolate writes its own shard beside the dead isolate's.
  expect(await complete(second, secret)).toBe(200)
  await vi.waitFor(async () => expect(await requestsToday(second, secret)).toBe(stored + 1))
  await second.stop()
})
