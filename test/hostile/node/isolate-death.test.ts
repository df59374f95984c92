/**
 * An isolate can die between an answer and its settlement. A request that its account admitted is then booked when its lease
 * ends; any other one is lost. All that an account has confirmed is on disk.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'
import { startKvServer, type KvServer } from '../../support/node/kv-server.ts'
import {
  ADMIN_TOKEN,
  type IssuedKey,
  type RealBindingGateway,
  startRealBindingGateway,
} from '../../support/node/real-binding-gateway.ts'
import { jsonAnswer } from '../../support/node/upstream-answer.ts'
import { startUpstreamServer, type UpstreamServer } from '../../support/node/upstream-server.ts'

const USAGE = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 }

let upstream: UpstreamServer
let kv: KvServer
let storagePath: string
beforeAll(async () => {
  upstream = await startUpstreamServer(
    jsonAnswer(JSON.stringify({ object: 'chat.completion', choices: [], usage: USAGE })),
  )
  kv = await startKvServer()
  storagePath = await mkdtemp(join(tmpdir(), 'objects-'))
})
afterAll(async () => {
  await upstream.stop()
  await kv.stop()
  await rm(storagePath, { recursive: true })
})

function start(): Promise<RealBindingGateway> {
  return startRealBindingGateway({
    upstreamPort: upstream.port,
    kv,
    storagePath,
    uploadPath: inject('uploadPath'),
  })
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

async function usageOf(
  gateway: RealBindingGateway,
  { id }: IssuedKey,
): Promise<{ requests: number; estimated: number }> {
  const response = await fetch(`${gateway.url}/admin/keys/${id}/usage`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  return ((await response.json()) as { total: { requests: number; estimated: number } }).total
}

it('a killed process loses no usage that was booked, no key and no day count', async () => {
  const first = await start()
  const key = await first.issueKey({ limits: { requestsPerDay: 3 } })
  expect([await complete(first, key.secret), await complete(first, key.secret)]).toEqual([200, 200])
  await vi.waitFor(async () => expect((await usageOf(first, key)).requests).toBe(2))
  process.kill(first.pid, 'SIGKILL')
  await first.stop()

  const second = await start()
  expect(await usageOf(second, key)).toMatchObject({ requests: 2, estimated: 0 })
  expect([await complete(second, key.secret), await complete(second, key.secret)]).toEqual([200, 429])
  await second.stop()
})
