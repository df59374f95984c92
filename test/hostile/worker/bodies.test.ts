/** Every body either reaches the upstream unchanged or gets a clean 4xx error. */
import { reset } from 'cloudflare:test'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { arbitraryFromSchema, isObject } from '../../support/arbitrary-from-schema.ts'
import vendor from '../../support/fixtures/openai-chat.schema.json'
import { BASE_URL, HELLO, issueKey } from '../../support/gateway.ts'
import { damaged, FRAGMENTS, garbled, textOf } from './damage.ts'
import { expectedOf } from './expected.ts'
import { CANARY, expectCivil, FUZZ_TEST, fuzz, watchLog, openFrontDoor } from './front-door.ts'

const { upstream, ask } = openFrontDoor()

watchLog()
let secret: string
beforeAll(async () => {
  ;({ secret } = await issueKey())
})
afterAll(() => reset())

/** A request that is valid in the vendor's schema, for a known model. */
const published = arbitraryFromSchema({ $ref: '#/$defs/CreateChatCompletionRequest' }, vendor.$defs).map(
  (body) => ({ ...(isObject(body) ? body : {}), model: 'o3-mini' }),
)
/** Small bodies, in which a random change is likely to matter. */
const plain = fc.constantFrom<unknown>(
  { ...HELLO, messages: [{ role: 'user', content: CANARY }] },
  ...vendor.examples.map(({ body }) => ({ ...body, model: 'o3-mini' })),
)
const body = fc.oneof(published, plain)

type Init = { body: string | Uint8Array | ReadableStream; headers?: Record<string, string> }

async function expectAnswer({ body: sent, headers }: Init) {
  const answered = await ask(
    new Request(`${BASE_URL}/v1/chat/completions`, {
      method: 'POST',
      body: sent,
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...headers },
    }),
  )
  expectCivil('POST', answered)
  expect(answered.status === 200).toBe(upstream.sent !== null)
  return answered
}

function expectUnchanged(text: string): void {
  if (upstream.sent !== null) expect(upstream.sent).toBe(expectedOf(text))
}

describe('a body', () => {
  it('that is valid in the vendor’s schema never reaches the upstream changed', FUZZ_TEST, async () => {
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(body, async (value) => {
        const text = JSON.stringify(value)
        await expectAnswer({ body: text })
        if (upstream.sent !== null) accepted += 1
        expectUnchanged(text)
      }),
      fuzz(0.06),
    )
    expect(accepted).toBeGreaterThan(100)
  })

  it('damaged in one place is refused or reaches the upstream unchanged', FUZZ_TEST, async () => {
    const outcomes = { accepted: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(damaged(body), async (value) => {
        const text = textOf(value)
        await expectAnswer({ body: text })
        outcomes[upstream.sent === null ? 'refused' : 'accepted'] += 1
        expectUnchanged(text)
      }),
      fuzz(0.3),
    )
    expect(Math.min(outcomes.accepted, outcomes.refused)).toBeGreaterThan(100)
  })

  it('damaged twice, from a key with limits, gets a well-formed answer', FUZZ_TEST, async () => {
    const limited = await issueKey({
      limits: { tokensPerMinute: 1_000_000_000, requestsPerMinute: 1_000_000_000 },
    })
    const headers = { authorization: `Bearer ${limited.secret}` }
    await fc.assert(
      fc.asyncProperty(damaged(damaged(plain)), async (value) => {
        await expectAnswer({ body: textOf(value), headers })
      }),
      fuzz(0.15),
    )
  })

  it('with damaged bytes is never decoded into a different text', FUZZ_TEST, async () => {
    await fc.assert(
      fc.asyncProperty(garbled(damaged(plain).map(textOf)), async (bytes) => {
        await expectAnswer({ body: bytes })
        if (upstream.sent === null) return
        const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
        expect(upstream.sent).toBe(expectedOf(text))
      }),
      fuzz(0.2),
    )
  })

  it.each(FRAGMENTS.map((text) => [text.slice(0, 30), text]))(
    'with %s in every position gets a well-formed answer, with and without key limits',
    async (_name, fragment) => {
      const limited = await issueKey({ limits: { tokensPerMinute: 1_000_000 } })
      const texts = [
        fragment,
        `{"model":"o3-mini","messages":[{"role":"user","content":"hi"}],"unknown":${fragment}}`,
        `{"model":"o3-mini","messages":[{"role":"user","content":"hi","unknown":${fragment}}]}`,
        `{"model":"o3-mini","messages":[{"role":"user","content":${fragment}}]}`,
        `{"model":${fragment},"messages":[]}`,
        `{"model":"o3-mini","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"a":${fragment}}}}]}`,
      ]
      for (const one of [secret, limited.secret]) {
        for (const text of texts) {
          await expectAnswer({ body: text, headers: { authorization: `Bearer ${one}` } })
          expectUnchanged(text)
        }
      }
    },
  )
})

describe('a body in transfer', () => {
  const text = JSON.stringify(HELLO)

  it('in chunks of any size, with or without a length, is the same body', FUZZ_TEST, async () => {
    const cuts = fc.array(fc.nat(text.length), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(cuts, fc.boolean(), async (ends, hasLength) => {
        const headers = hasLength ? { 'content-length': `${text.length}` } : {}
        expect((await expectAnswer({ body: pieces(text, ends), headers })).status).toBe(200)
        expectUnchanged(text)
      }),
      fuzz(0.02),
    )
  })

  it('that is cut off is refused', async () => {
    for (const headers of [{}, { 'content-length': `${text.length}` }]) {
      let isFirst = true
      const failing = new ReadableStream({
        type: 'bytes',
        pull(controller) {
          if (isFirst) controller.enqueue(new TextEncoder().encode(text.slice(0, 10)))
          else controller.error(new Error('the connection was cut'))
          isFirst = false
        },
      })
      expect((await expectAnswer({ body: failing, headers })).status).toBe(400)
    }
  })

  it('that is compressed is refused, with and without a content-encoding', async () => {
    const zipped = new Uint8Array(
      await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer(),
    )
    expect((await expectAnswer({ body: zipped })).status).toBe(400)
    for (const encoding of ['gzip', 'br', 'deflate', 'identity, gzip', 'x'.repeat(5_000)]) {
      expect((await expectAnswer({ body: zipped, headers: { 'content-encoding': encoding } })).status).toBe(
        415,
      )
    }
  })

  it('with a byte order mark is accepted without the mark', async () => {
    expect((await expectAnswer({ body: `\ufeff${text}` })).status).toBe(200)
    expectUnchanged(text)
  })

  it('that is not valid UTF-8 is refused, so that no prompt is silently garbled', async () => {
    const latin1 = Uint8Array.from(text.replace('Hello', 'Caf\u00e9'), (character) => character.charCodeAt(0))
    expect((await expectAnswer({ body: latin1 })).status).toBe(400)
    const broken = new TextEncoder()
      .encode(text.replace('Hello', 'Caf\u00e9'))
      .subarray(0, text.indexOf('Hello') + 4)
    expect((await expectAnswer({ body: broken })).status).toBe(400)
    // The decoder keeps no bytes of a refused body for the next body.
    expect((await expectAnswer({ body: `\ufeff${text}` })).status).toBe(200)
    expectUnchanged(text)
  })
})

function pieces(text: string, ends: readonly number[]): ReadableStream {
  const bounds = [0, ...ends.toSorted((a, b) => a - b), text.length]
  const parts = bounds.slice(1).map((end, index) => text.slice(bounds[index], end))
  return new ReadableStream({
    // The body of a request from outside is a byte stream too.
    type: 'bytes',
    start(controller) {
      for (const part of parts) if (part !== '') controller.enqueue(new TextEncoder().encode(part))
      controller.close()
    },
  })
}
