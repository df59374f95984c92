/** A client's disconnect cancels the upstream call at once, because unread output costs money. */
import { describe, expect, it } from 'vitest'
import { useContractGateway } from '../support/node/contract-gateway.ts'
import { type RawClient, rawPost } from '../support/node/raw-client.ts'
import { type Answer, jsonAnswer, streamAnswer } from '../support/node/upstream-answer.ts'
import type { UpstreamCall } from '../support/node/upstream-server.ts'

const CANCELLED_WITHIN_MS = 1_000

const contract = useContractGateway()

/** Connects a raw client, and waits until its call has reached the upstream. */
async function connected(
  answer: Answer,
  stream: boolean,
): Promise<{ client: RawClient; call: UpstreamCall }> {
  const { tag, body } = contract.prepare(answer, { stream })
  const client = rawPost(`${contract.gateway.url}/v1/chat/completions`, contract.gateway.secret, body)
  return { client, call: await contract.upstream.call(tag) }
}

async function expectCancelled(client: RawClient, call: UpstreamCall): Promise<void> {
  const disconnectedAtMs = performance.now()
  client.reset()
  const end = await call.ended
  expect(end.by).toBe('caller')
  expect(end.atMs - disconnectedAtMs).toBeLessThan(CANCELLED_WITHIN_MS)
}

async function* forever(): AsyncGenerator<string> {
  for (let number = 0; ; number += 1) {
    yield `data: {"number":${number}}\n\n`
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a client that resets its connection cancels the upstream call within a second', () => {
  it.each([
    ['JSON', false],
    ['a stream', true],
  ])('before the headers of %s', async (_name, stream) => {
    const { client, call } = await connected({ instead: 'hang' }, stream)
    await expectCancelled(client, call)
  })

  it('between the headers and the first byte of a stream', async () => {
    const { client, call } = await connected(streamAnswer([], 'hang'), true)
    await expectCancelled(client, call)
  })

  it('in the middle of a JSON answer', async () => {
    const begun = Promise.withResolvers<void>()
    function* body() {
      yield '{"id":'
      begun.resolve()
    }
    const { client, call } = await connected({ ...jsonAnswer(''), body: body(), ending: 'hang' }, false)
    await begun.promise
    await expectCancelled(client, call)
  })

  it('in the middle of a silent stream', async () => {
    const { client, call } = await connected(streamAnswer(['data: {"number":0}\n\n'], 'hang'), true)
    await client.until(/"number":0/)
    await expectCancelled(client, call)
  })

  it('in a stream whose model thinks after its first event', async () => {
    const event = 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
    const { client, call } = await connected(streamAnswer([event], 'hang'), true)
    await client.until(/"role"/)
    await expectCancelled(client, call)
  })

  it('in the middle of an endless stream', async () => {
    const { client, call } = await connected(streamAnswer(forever()), true)
    await client.until(/"number":50\}/)
    await expectCancelled(client, call)
  })

  it('even when 50 clients disconnect at once', async () => {
    const clients = await Promise.all(
      Array.from({ length: 50 }, async (_, number) => {
        if (number % 2 === 0) return connected({ instead: 'hang' }, false)
        const streaming = await connected(streamAnswer(['data: {"number":0}\n\n'], 'hang'), true)
        // A reset during the write of the first bytes only fails that write in the runtime. The runtime then aborts
        // nothing until the next bytes.
        await streaming.client.until(/"number":0/)
        return streaming
      }),
    )
    await Promise.all(clients.map(({ client, call }) => expectCancelled(client, call)))
  })
})
