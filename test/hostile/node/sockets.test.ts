/**
 * Raw sockets send malformed, slow and oversized HTTP to the production build. The runtime answers some requests itself,
 * in plain text and without a request id, as Cloudflare's own servers do in production. The gateway must not be called
 * then. Every other answer must be well-formed.
 */
import * as fc from 'fast-check'
import { describe, expect, inject, it } from 'vitest'
import { useContractGateway } from '../../support/node/contract-gateway.ts'
import { rawConnect } from '../../support/node/raw-client.ts'
import { ADMIN_TOKEN } from '../../support/node/real-binding-gateway.ts'
import { jsonAnswer } from '../../support/node/upstream-answer.ts'

/** This share of the fuzz cases is run, because a connection costs more than a call. */
const SHARE = 0.06

const contract = useContractGateway()

/** The body has no tag, so the upstream uses the script for the empty tag. */
const BODY = JSON.stringify({
  model: 'o3-mini',
  messages: [{ role: 'user', content: 'Hello!' }],
})
const JSON_TYPE = 'content-type: application/json\r\n'
const CHUNKED = 'transfer-encoding: chunked\r\n\r\n'
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const flood = (count: number, bytes: number): string =>
  Array.from({ length: count }, (_, number) => `x-${number}: ${'a'.repeat(bytes)}\r\n`).join('')

const bearer = (): string => `authorization: Bearer ${contract.gateway.secret}\r\n`
const operator = `authorization: Bearer ${ADMIN_TOKEN}\r\n`
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: a\r\n${bearer()}`
const post = (): string => `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n${bearer()}${JSON_TYPE}`

interface RawAnswer {
  /** `null` if the connection was closed without an answer. */
  status: number | null
  text: string
}

/** Sends the bytes and a FIN, and returns everything received until the gateway closes. */
async function exchange(bytes: string | Uint8Array): Promise<RawAnswer> {
  const connection = rawConnect(contract.gateway.url)
  await connection.write(bytes)
  connection.end()
  const text = await connection.closed
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]
  return { status: status === undefined ? null : Number(status), text }
}

function expectWellFormed({ status, text }: RawAnswer): void {
  expect(text).not.toMatch(/<html|<!doctype/i)
  if (status === null || !/\r\nx-request-id: req_[0-9A-Za-z]{32}\r\n/i.test(text)) return
  expect(status).toBeLessThan(500)
  if (status < 400) return
  expect(text).toMatch(/\r\ncontent-type: application\/json\r\n/i)
  expect(text).toMatch(/\{"error":\{"message":".+","type":"[a-z_]+","param":.+,"code":.+\}\}/)
}

async function expectAlive(): Promise<void> {
  const response = await contract.complete(jsonAnswer('{"alive":true}'))
  expect([response.status, await response.text()]).toEqual([200, '{"alive":true}'])
}

describe('a request that is not HTTP', () => {
  it.each([
    ['noise', 'GARBAGE\r\n\r\n'],
    ['a TLS hello', '\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03'],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['half a line', 'GET /v1/mod'],
    ['nothing', ''],
    ['an unknown method', 'FOO /v1/models HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['an asterisk as its path', 'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['no host', 'GET /v1/models HTTP/1.1\r\n\r\n'],
    ['an invalid host', 'GET /v1/models HTTP/1.1\r\nhost: a b/?#@\r\n\r\n'],
    ['a header without a colon', 'GET /v1/models HTTP/1.1\r\nhost: a\r\nxyz\r\n\r\n'],
    ['a NUL in a header', 'GET /v1/models HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n'],
    ['a folded header', 'GET /v1/models HTTP/1.1\r\nhost: a\r\nx: a\r\n b\r\n\r\n'],
    ['a length below zero', 'POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['another encoding', 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['a header of a megabyte', `GET / HTTP/1.1\r\nhost: a\r\n${flood(1, 1_000_000)}\r\n`],
    ['100,000 headers', `GET / HTTP/1.1\r\nhost: a\r\n${flood(100_000, 1)}\r\n`],
  ])('but %s never reaches the gateway', async (_name, bytes) => {
    const before = contract.gateway.output().length
    const answer = await exchange(bytes)
    expectWellFormed(answer)
    expect(answer.text).not.toMatch(/x-request-id/i)
    await expectAlive()
    // The lines with status 200 belong to the calls of `expectAlive`, and may be printed late.
    const lines =
      contract.gateway
        .output()
        .slice(before)
        .match(/^\{.*"event":"request".*$/gm) ?? []
    expect(lines.filter((line) => !line.includes('"status":200'))).toEqual([])
  })
})

describe('an unusual request', () => {
  it.each<[string, () => string, number]>([
    ['bytes above ASCII in a header', () => `${get('/v1/models')}x: \xff\xfe\x80\r\n\r\n`, 200],
    [
      'bytes above ASCII as its key',
      () => 'GET /v1/models HTTP/1.1\r\nhost: a\r\nauthorization: Bearer \xff\xfeabc\r\n\r\n',
      401,
    ],
    ['3,000 headers', () => `${get('/v1/models')}${flood(3_000, 1)}\r\n`, 200],
    ['a path of 100,000 characters', () => `${get(`/v1/${'a'.repeat(100_000)}`)}\r\n`, 404],
    ['a path of invalid UTF-8', () => `${get('/v1/models/\xff\xfe')}\r\n`, 404],
    ['an invalid percent encoding', () => `${get('/v1/models/%zz%')}\r\n`, 404],
    ['encoded dots', () => `${get('/v1/%2e%2e/admin/keys')}\r\n`, 404],
    ['dots in a path to the operator’s routes', () => `${get('/v1/../admin/keys')}\r\n`, 401],
    ['slashes in a row', () => `${get('//v1//models')}\r\n`, 404],
    ['TRACE', () => 'TRACE /v1/models HTTP/1.1\r\nhost: a\r\n\r\n', 405],
    ['a host that is not a name', () => `GET /v1/models HTTP/1.1\r\nhost: [\r\n${bearer()}\r\n`, 200],
    ['an upgrade', () => `${get('/v1/models')}upgrade: websocket\r\nconnection: upgrade\r\n\r\n`, 200],
    ['GET with a body', () => `${get('/v1/models')}${CHUNKED}${chunk('x')}0\r\n\r\n`, 200],
    [
      'the operator’s GET with a body',
      () => `GET /admin/keys HTTP/1.1\r\nhost: a\r\n${operator}${CHUNKED}${chunk('x')}0\r\n\r\n`,
      200,
    ],
    [
      'DELETE with a body',
      () =>
        `DELETE /admin/keys/000000000000 HTTP/1.1\r\nhost: a\r\n${operator}${CHUNKED}${chunk('x')}0\r\n\r\n`,
      404,
    ],
    ['no body', () => `${post()}\r\n`, 400],
    ['a length and chunks', () => `${post()}content-length: 5\r\n${CHUNKED}${chunk('{}')}0\r\n\r\n`, 400],
    ['a length of a zettabyte', () => `${post()}content-length: 99999999999999999999999\r\n\r\n${BODY}`, 413],
    [
      'a body shorter than its length',
      () => `${post()}content-length: ${BODY.length + 9}\r\n\r\n${BODY}`,
      400,
    ],
    ['an invalid chunk size', () => `${post()}${CHUNKED}zz\r\n{}\r\n0\r\n\r\n`, 400],
    ['an invalid chunk size after a chunk', () => `${post()}${CHUNKED}${chunk('{"a"')}zz\r\n`, 400],
    ['a chunk of a zettabyte', () => `${post()}${CHUNKED}ffffffffffffffffff\r\n{}`, 400],
    ['no last chunk', () => `${post()}${CHUNKED}${chunk(BODY)}`, 400],
    ['chunks above the body limit', () => `${post()}${CHUNKED}${chunk('a'.repeat(5_000_000))}0\r\n\r\n`, 413],
  ])('with %s gets a well-formed answer', async (_name, bytes, status) => {
    const answer = await exchange(Buffer.from(bytes(), 'latin1'))
    expectWellFormed(answer)
    expect(answer.text).toMatch(/\r\nx-request-id: req_/i)
    expect(answer.status).toBe(status)
    await expectAlive()
  })

  it('that is valid is served: two pipelined requests with one byte per chunk', async () => {
    contract.upstream.script('', jsonAnswer('{"served":true}'))
    const bytes = `${post()}${CHUNKED}${Array.from(BODY, chunk).join('')}0\r\n\r\n`
    const { text } = await exchange(bytes + bytes)
    expect(text.match(/\{"served":true\}/g)).toHaveLength(2)
  })

  it(
    'with random byte edits gets a well-formed answer, or none from the gateway',
    { timeout: 600_000 },
    async () => {
      contract.upstream.script('', jsonAnswer('{}'))
      const whole = fc.constantFrom(
        () => `${post()}content-length: ${BODY.length}\r\n\r\n${BODY}`,
        () => `${post()}${CHUNKED}${chunk(BODY)}0\r\n\r\n`,
        () => `${get('/v1/models/o3-mini?a=b')}accept: */*\r\n\r\n`,
      )
      const piece = fc.oneof(
        fc.uint8Array({ maxLength: 4 }),
        fc
          .constantFrom('\r\n', '\r\n\r\n', '\0', ' ', ':', 'chunked', '-', 'ffffffff')
          .map((text) => Buffer.from(text)),
      )
      const edit = fc.tuple(fc.nat(), fc.nat(3), piece)
      const { cases, seed } = inject('fuzz')
      await fc.assert(
        fc.asyncProperty(whole, fc.array(edit, { minLength: 1, maxLength: 3 }), async (make, edits) => {
          let bytes: number[] = [...Buffer.from(make(), 'latin1')]
          for (const [at, removed, inserted] of edits)
            bytes = bytes.toSpliced(at % bytes.length, removed, ...inserted)
          expectWellFormed(await exchange(Uint8Array.from(bytes)))
        }),
        { seed, numRuns: Math.ceil(cases * SHARE), timeout: 20_000 },
      )
      await expectAlive()
    },
  )
})

describe('a slow client', () => {
  it('delays no other client, and is served in the end', async () => {
    contract.upstream.script('', jsonAnswer('{"patient":true}'))
    const slow = rawConnect(contract.gateway.url)
    const bytes = `${post()}content-length: ${BODY.length}\r\n\r\n${BODY}`
    const step = Math.ceil(bytes.length / 12)
    for (let at = 0; at < bytes.length; at += step) {
      await slow.write(bytes.slice(at, at + step))
      await expectAlive()
    }
    expect(await slow.until(/\{"patient":true\}/)).toMatch(/^HTTP\/1\.1 200 /)
    slow.reset()
  })

  it('that disconnects during its body, a hundred times over, affects no other client', async () => {
    const clients = Array.from({ length: 100 }, () => rawConnect(contract.gateway.url))
    await Promise.all(
      clients.map((client, number) =>
        client.write(
          number % 2 === 0
            ? `${post()}content-length: 1000\r\n\r\n{"mod`
            : `${post()}${CHUNKED}${chunk('{"mod')}`,
        ),
      ),
    )
    await expectAlive()
    for (const client of clients) client.reset()
    await expectAlive()
  })
})

describe('the log of these requests', () => {
  it('has no failure of the gateway itself', () => {
    expect(contract.gateway.output()).toMatch(/^\{.*"status":400/m)
    expect(contract.gateway.output()).not.toMatch(/^\{.*"status":5/m)
    expect(contract.gateway.output()).not.toMatch(/^\{.*"reason":"internal/m)
  })
})
