/**
 * What only a socket can say: HTTP that is broken, slow or too much, against what ships. Some of it the runtime answers
 * itself, in plain text and without a request id; in production Cloudflare's own servers stand in that place. The gateway
 * must then not have been called at all. What it does answer is as civil as ever.
 */
import * as fc from 'fast-check'
import { describe, expect, inject, it } from 'vitest'
import { useContractGateway } from '../../support/node/contract-gateway.ts'
import { rawConnect } from '../../support/node/raw-client.ts'
import { ADMIN_TOKEN } from '../../support/node/real-binding-gateway.ts'
import { jsonAnswer } from '../../support/node/upstream-answer.ts'

/** Of the cases of the fuzz tests: a connection costs more than a call. */
const SHARE = 0.06

const contract = useContractGateway()

/** Without a tag: the upstream answers it as scripted for none. */
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

interface Heard {
  /** `null` where the connection was closed without a word. */
  status: number | null
  text: string
}

/** What comes back until the gateway closes, which it does since nothing more is said. */
async function hear(bytes: string | Uint8Array): Promise<Heard> {
  const connection = rawConnect(contract.gateway.url)
  await connection.write(bytes)
  connection.end()
  const text = await connection.closed
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]
  return { status: status === undefined ? null : Number(status), text }
}

function expectCivil({ status, text }: Heard): void {
  expect(text).not.toMatch(/<html|<!doctype/i)
  if (status === null || !/\r\nx-request-id: req_[0-9a-f]{32}\r\n/i.test(text)) return
  expect(status).toBeLessThan(500)
  if (status < 400) return
  expect(text).toMatch(/\r\ncontent-type: application\/json\r\n/i)
  expect(text).toMatch(/\{"error":\{"message":".+","type":"[a-z_]+","param":.+,"code":.+\}\}/)
}

async function expectAlive(): Promise<void> {
  const response = await contract.complete(jsonAnswer('{"alive":true}'))
  expect([response.status, await response.text()]).toEqual([200, '{"alive":true}'])
}

describe('a request that is no HTTP', () => {
  it.each([
    ['noise', 'GARBAGE\r\n\r\n'],
    ['a TLS hello', '\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03'],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['half a line', 'GET /v1/mod'],
    ['nothing', ''],
    ['a method that nobody knows', 'FOO /v1/models HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['a star', 'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['no host', 'GET /v1/models HTTP/1.1\r\n\r\n'],
    ['a host that is none', 'GET /v1/models HTTP/1.1\r\nhost: a b/?#@\r\n\r\n'],
    ['a header without a colon', 'GET /v1/models HTTP/1.1\r\nhost: a\r\nxyz\r\n\r\n'],
    ['a NUL in a header', 'GET /v1/models HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n'],
    ['a folded header', 'GET /v1/models HTTP/1.1\r\nhost: a\r\nx: a\r\n b\r\n\r\n'],
    ['a length below zero', 'POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['another encoding', 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['a header of a megabyte', `GET / HTTP/1.1\r\nhost: a\r\n${flood(1, 1_000_000)}\r\n`],
    ['100,000 headers', `GET / HTTP/1.1\r\nhost: a\r\n${flood(100_000, 1)}\r\n`],
  ])('but %s never gets to the gateway', async (_name, bytes) => {
    const before = contract.gateway.output().length
    const heard = await hear(bytes)
    expectCivil(heard)
    expect(heard.text).not.toMatch(/x-request-id/i)
    await expectAlive()
    // Those with 200 are of the calls that show it alive, and may be printed late.
    const lines =
      contract.gateway
        .output()
        .slice(before)
        .match(/^\{.*"event":"request".*$/gm) ?? []
    expect(lines.filter((line) => !line.includes('"status":200'))).toEqual([])
  })
})

describe('a request that is odd', () => {
  it.each<[string, () => string, number]>([
    ['bytes above ASCII in a header', () => `${get('/v1/models')}x: \xff\xfe\x80\r\n\r\n`, 200],
    [
      'bytes above ASCII for a key',
      () => 'GET /v1/models HTTP/1.1\r\nhost: a\r\nauthorization: Bearer \xff\xfeabc\r\n\r\n',
      401,
    ],
    ['3,000 headers', () => `${get('/v1/models')}${flood(3_000, 1)}\r\n`, 200],
    ['a path of 100,000 characters', () => `${get(`/v1/${'a'.repeat(100_000)}`)}\r\n`, 404],
    ['a path of bytes that are no text', () => `${get('/v1/models/\xff\xfe')}\r\n`, 404],
    ['a percent that encodes nothing', () => `${get('/v1/models/%zz%')}\r\n`, 404],
    ['encoded dots', () => `${get('/v1/%2e%2e/admin/keys')}\r\n`, 404],
    ['dots on the way to the operator’s routes', () => `${get('/v1/../admin/keys')}\r\n`, 401],
    ['slashes in a row', () => `${get('//v1//models')}\r\n`, 404],
    ['TRACE', () => 'TRACE /v1/models HTTP/1.1\r\nhost: a\r\n\r\n', 405],
    ['a host that is no name', () => `GET /v1/models HTTP/1.1\r\nhost: [\r\n${bearer()}\r\n`, 200],
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
    ['a chunk that is no chunk', () => `${post()}${CHUNKED}zz\r\n{}\r\n0\r\n\r\n`, 400],
    ['a chunk that is no chunk in the middle', () => `${post()}${CHUNKED}${chunk('{"a"')}zz\r\n`, 400],
    ['a chunk of a zettabyte', () => `${post()}${CHUNKED}ffffffffffffffffff\r\n{}`, 400],
    ['no last chunk', () => `${post()}${CHUNKED}${chunk(BODY)}`, 400],
    ['chunks of more than is read', () => `${post()}${CHUNKED}${chunk('a'.repeat(5_000_000))}0\r\n\r\n`, 413],
  ])('with %s gets a civil answer', async (_name, bytes, status) => {
    const heard = await hear(Buffer.from(bytes(), 'latin1'))
    expectCivil(heard)
    expect(heard.text).toMatch(/\r\nx-request-id: req_/i)
    expect(heard.status).toBe(status)
    await expectAlive()
  })

  it('but right is served: a body of one byte a chunk, and two requests in a row', async () => {
    contract.upstream.script('', jsonAnswer('{"served":true}'))
    const bytes = `${post()}${CHUNKED}${Array.from(BODY, chunk).join('')}0\r\n\r\n`
    const { text } = await hear(bytes + bytes)
    expect(text.match(/\{"served":true\}/g)).toHaveLength(2)
  })

  it('in any byte is civil or none of the gateway’s', { timeout: 600_000 }, async () => {
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
        for (const [at, gone, come] of edits) bytes = bytes.toSpliced(at % bytes.length, gone, ...come)
        expectCivil(await hear(Uint8Array.from(bytes)))
      }),
      { seed, numRuns: Math.ceil(cases * SHARE), timeout: 20_000 },
    )
    await expectAlive()
  })
})

describe('a client that takes its time', () => {
  it('with its headers or its body keeps nobody else waiting, and is served in the end', async () => {
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

  it('and by the hundred leaves in the middle of a body troubles nobody', async () => {
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

describe('all that', () => {
  it('is nowhere logged as the gateway’s own failure', () => {
    expect(contract.gateway.output()).toMatch(/^\{.*"status":400/m)
    expect(contract.gateway.output()).not.toMatch(/^\{.*"status":5/m)
    expect(contract.gateway.output()).not.toMatch(/^\{.*"reason":"internal/m)
  })
})
