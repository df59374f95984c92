/** A good answer reaches the caller byte for byte and without delay, but without the upstream's private headers. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { useContractGateway } from '../support/node/contract-gateway.ts'
import { rawPost } from '../support/node/raw-client.ts'
import { jsonAnswer, pieces, streamAnswer, UPSTREAM_HEADERS } from '../support/node/upstream-answer.ts'

const contract = useContractGateway()

const JSON_BYTES = fixture('chat-completion.json')
const STREAM_BYTES = fixture('chat-completion-stream.sse')

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../support/fixtures/${name}`, import.meta.url))
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer())
}

describe('a JSON answer', () => {
  it.each([
    ['from the model', JSON_BYTES],
    ['with odd spacing, order and numbers', Buffer.from('\n{ "b" :1.0,\t"a":[ 1e2 ,"\\u00e9é"]}\r\n ')],
    ['of a megabyte', Buffer.from(JSON.stringify({ text: 'ü'.repeat(500_000) }))],
    ['that is not UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x80, 0x22])],
  ])('%s arrives byte for byte', async (_name, bytes) => {
    for (const body of [bytes, pieces(bytes, 4099)]) {
      const response = await contract.complete({ ...jsonAnswer(''), body })
      expect((await bytesOf(response)).equals(bytes)).toBe(true)
    }
  })

  it('is accepted with any spelling of its content type', async () => {
    for (const type of ['application/json; charset=utf-8', 'Application/JSON']) {
      const response = await contract.complete(jsonAnswer(JSON_BYTES, 200, { 'content-type': type }))
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
      await response.text()
    }
  })

  it('with late headers arrives whole, and delays no other request', async () => {
    const gate = Promise.withResolvers<void>()
    const { tag, body } = contract.prepare({ ...jsonAnswer(JSON_BYTES), headersAfter: gate.promise })
    const response = contract.post(body)
    await contract.upstream.call(tag)
    // Another request completes in the meantime.
    expect((await contract.complete(jsonAnswer('{}'))).status).toBe(200)
    gate.resolve()
    expect((await bytesOf(await response)).equals(JSON_BYTES)).toBe(true)
  })
})

describe('a JSON answer that is cut off', () => {
  it.each(['reset', 'cut'] as const)('by a %s is a 502, never half an object', async (ending) => {
    const response = await contract.complete({ ...jsonAnswer(''), body: ['{"id":"chatcmpl-1",'], ending })
    expect([response.status, response.headers.get('retry-after')]).toEqual([502, '1'])
    expect(await response.json()).toMatchObject({ error: { code: 'upstream_error' } })
  })
})

describe('a stream', () => {
  it.each([1, 2, 3, 7, 64, 1000, 100_000])(
    'sent in chunks of %i bytes arrives byte for byte',
    async (pieceBytes) => {
      const response = await contract.complete(streamAnswer(pieces(STREAM_BYTES, pieceBytes)), {
        stream: true,
      })
      expect((await bytesOf(response)).equals(STREAM_BYTES)).toBe(true)
    },
  )

  it.each([
    ['CRLF', STREAM_BYTES.toString().replaceAll('\n', '\r\n')],
    ['comments and a byte order mark', `\uFEFF: hello\n\n${STREAM_BYTES.toString()}`],
    ['no empty line at its end', STREAM_BYTES.toString().trimEnd()],
    ['no `[DONE]`', STREAM_BYTES.toString().replace('data: [DONE]\n\n', '')],
  ])('with %s is not changed', async (_name, text) => {
    const response = await contract.complete(streamAnswer(pieces(Buffer.from(text), 100)), { stream: true })
    expect((await bytesOf(response)).toString()).toContain(text)
  })

  it('of megabytes arrives whole', async () => {
    const bytes = Buffer.concat(Array.from({ length: 4000 }, () => STREAM_BYTES))
    const response = await contract.complete(streamAnswer(pieces(bytes, 65_536)), { stream: true })
    expect((await bytesOf(response)).equals(bytes)).toBe(true)
  })

  it('delivers each event before the upstream sends the next', async () => {
    const delivered = Array.from({ length: 20 }, () => Promise.withResolvers<void>())
    async function* events() {
      for (const [number, { promise }] of delivered.entries()) {
        yield `data: {"number":${number}}\n\n`
        await promise
      }
    }
    const { body } = contract.prepare(streamAnswer(events()), { stream: true })
    const client = rawPost(`${contract.gateway.url}/v1/chat/completions`, contract.gateway.secret, body)
    for (const [number, { resolve }] of delivered.entries()) {
      await client.until(new RegExp(`data: \\{"number":${number}\\}\\n\\n`))
      expect(client.received()).not.toContain(`"number":${number + 1}`)
      resolve()
    }
    await client.until(/\r\n0\r\n\r\n$/)
    client.reset()
  })

  it('that is cut off never ends with [DONE]', async () => {
    const [whole] = STREAM_BYTES.toString().split('data: [DONE]')
    for (const ending of ['reset', 'cut'] as const) {
      const { body } = contract.prepare(streamAnswer([whole ?? ''], ending), { stream: true })
      const client = rawPost(`${contract.gateway.url}/v1/chat/completions`, contract.gateway.secret, body)
      const received = await client.until(/"usage":\{/)
      expect(received + (await Promise.race([client.closed, client.until(/"error"/)]))).not.toContain(
        '[DONE]',
      )
      client.reset()
    }
  })
})

describe('the upstream’s headers', () => {
  it.each([
    ['JSON', false],
    ['a stream', true],
  ])('are not forwarded, for %s', async (_name, stream) => {
    const answer = stream ? streamAnswer(STREAM_BYTES) : jsonAnswer(JSON_BYTES)
    const response = await contract.complete(answer, { stream })
    await response.text()
    const shown = JSON.stringify([...response.headers])
    for (const [name, value] of Object.entries(UPSTREAM_HEADERS)) {
      // The caller gets the values of these two headers.
      if (name === 'cf-aig-log-id' || name === 'cf-aig-cache-status') continue
      for (const text of [value].flat().map(String)) expect(shown).not.toContain(JSON.stringify(text))
    }
    expect(response.headers.has('set-cookie')).toBe(false)
    expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9A-Za-z]{32}$/)
  })
})
