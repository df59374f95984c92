/** Every method, path, query and header gets an answer, and every error is OpenAI's envelope. */
import { reset } from 'cloudflare:test'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_TOKEN, BASE_URL, HELLO, issueKey } from '../../support/gateway.ts'
import { createSecret } from '../../../src/keys/secret.ts'
import { expectCivil, FUZZ_TEST, fuzz, watchLog, openFrontDoor } from './front-door.ts'

const { upstream, ask } = openFrontDoor({ CORS_ORIGINS: 'https://app.example' })

watchLog()
let secret: string
beforeAll(async () => {
  ;({ secret } = await issueKey())
})
afterAll(() => reset())

/** The runtime accepts only these methods. */
const METHODS =
  'GET HEAD POST PUT DELETE PATCH PURGE OPTIONS PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK ACL REPORT MKACTIVITY CHECKOUT MERGE MSEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE'
const method = fc.oneof(fc.constantFrom('GET', 'POST'), fc.constantFrom(...METHODS.split(' ')))

const WORDS =
  'v1 V1 chat completions models admin keys rotate health responses resp_1 cancel usage o3-mini openai 000000000000 __proto__ constructor'
const TRICKS =
  '. .. ... %2e%2e %2E %2f %5c %00 %0a %0d%0a % %% %zz %c0%af %ff %e2%82 %F0%9F%98%80 %ed%a0%80 %252f \\ ; : * ~ & = + \' " < > <script>alert(1)</script> {{7*7}} :id ?? # \u00e9 \ud83d\ude00 \ud800'
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...WORDS.split(' ')) },
  { weight: 2, arbitrary: fc.constantFrom('', ...TRICKS.split(' ')) },
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constant('a'.repeat(5_000)),
)
const known = fc.constantFrom(
  '/v1/chat/completions',
  '/v1/models',
  '/v1/models/',
  '/v1/usage',
  '/v1/responses',
  '/v1/responses/resp_1',
  '/v1/responses/resp_1/cancel',
  '/admin/keys',
  '/admin/keys/000000000000',
  '/admin/keys/000000000000/rotate',
  '/admin/groups',
  '/admin/groups/grp_000000000000',
  '/admin/directory/rebuild',
  '/health',
)
const path = fc.oneof(
  fc.array(step, { minLength: 1, maxLength: 6 }).map((steps) => `/${steps.join('/')}`),
  fc.tuple(known, step).map((parts) => parts.join('/')),
  fc.tuple(known, step).map((parts) => parts.join('')),
)
const query = fc.oneof(
  fc.constant(''),
  fc
    .array(fc.tuple(step, step), { maxLength: 4 })
    .map((pairs) => `?${pairs.map((pair) => pair.join('=')).join('&')}`),
)

/** All legal header bytes in ASCII. Only a raw socket sends bytes above ASCII unchanged. */
const bytes = fc
  .array(fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.constant(9)), { maxLength: 60 })
  .map((codes) => String.fromCharCode(...codes))
const OWN_NAMES =
  'accept content-type content-encoding content-length origin x-request-id cf-connecting-ip x-forwarded-for access-control-request-method access-control-request-headers openai-organization cookie expect te upgrade transfer-encoding'
const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}$/)
const headers = fc.array(fc.tuple(fc.oneof(token, fc.constantFrom(...OWN_NAMES.split(' '))), bytes), {
  maxLength: 20,
})

async function expectAnswer(url: string, init: RequestInit): Promise<number> {
  const answered = await ask(new Request(url, init))
  expectCivil(init.method ?? 'GET', answered)
  expect(answered.text).not.toContain(secret)
  return answered.status
}

describe('an address', () => {
  it('with any method, path and query gets a well-formed answer', FUZZ_TEST, async () => {
    const bearer = fc.constantFrom('', 'good', 'admin')
    await fc.assert(
      fc.asyncProperty(method, path, query, bearer, async (verb, where, question, kind) => {
        const url = BASE_URL + where + question
        if (!URL.canParse(url)) return
        const authorization = `Bearer ${kind === 'good' ? secret : kind === 'admin' ? ADMIN_TOKEN : ''}`
        await expectAnswer(url, { method: verb, headers: { authorization } })
      }),
      fuzz(0.12),
    )
  })

  it.each([
    '/v1/chat%2fcompletions',
    '/v1/../v1/models',
    '/v1/%2e%2e/admin/keys',
    '//v1/models',
    '/V1/models',
    '/v1/models/%',
  ])('%s is never answered without a key', async (where) => {
    expect([401, 404]).toContain(await expectAnswer(BASE_URL + where, {}))
  })
})

describe('request headers', () => {
  it('with any name and any legal bytes get a well-formed answer', FUZZ_TEST, async () => {
    await fc.assert(
      fc.asyncProperty(method, known, headers, async (verb, where, pairs) => {
        const all = new Headers(pairs)
        if (!all.has('authorization')) all.set('authorization', `Bearer ${secret}`)
        const body = verb === 'POST' ? JSON.stringify(HELLO) : null
        await expectAnswer(BASE_URL + where, { method: verb, headers: all, body })
      }),
      fuzz(0.05),
    )
  })

  it('numbering 5,000 do not stop a valid request', async () => {
    const all = new Headers({ authorization: `Bearer ${secret}`, 'content-type': 'application/json' })
    for (let number = 0; number < 5_000; number += 1) all.append(`x-flood-${number % 2_500}`, `${number}`)
    const init = { method: 'POST', headers: all, body: JSON.stringify(HELLO) }
    expect(await expectAnswer(`${BASE_URL}/v1/chat/completions`, init)).toBe(200)
  })
})

describe('an Authorization header', () => {
  const shape = fc.oneof(
    bytes,
    bytes.map((some) => `Bearer ${some}`),
    fc.constantFrom('Basic', 'Digest', 'bearer', 'BEARER', 'Token', 'Bearer:').map((scheme) => `${scheme} @`),
    fc.constantFrom(
      'Bearer',
      'Bearer ',
      'Bearer  @',
      'Bearer @ @',
      'Bearer @, Bearer @',
      'Bearer "@"',
      '@',
      'Bearer\t@',
    ),
    fc.tuple(fc.nat(60), fc.constantFrom('0', 'a', '-', '')).map(([at, by]) => `Bearer ${at} ${by}`),
    fc.constant(`Bearer ${'x'.repeat(100_000)}`),
    fc.constant(null).map(() => `Bearer ${createSecret().secret}`),
  )

  it('is accepted only with the secret and the right scheme', FUZZ_TEST, async () => {
    await fc.assert(
      fc.asyncProperty(shape, async (form) => {
        const authorization = filled(form)
        const status = await expectAnswer(`${BASE_URL}/v1/models`, { headers: { authorization } })
        const isGood = /^\s*bearer +(\S+)\s*$/i.exec(authorization)?.[1] === secret
        expect(status === 200).toBe(isGood)
        if (!isGood) expect([401, 429]).toContain(status)
        expect(upstream.sent).toBeNull()
      }),
      fuzz(0.04),
    )
  })

  /** Replaces `@` with the valid secret. `Bearer 12 x` becomes the secret with `x` as its character 12. */
  function filled(form: string): string {
    const changed = /^Bearer (\d+) (.?)$/.exec(form)
    if (changed === null) return form.replaceAll('@', secret)
    const at = Number(changed[1]) % secret.length
    return `Bearer ${secret.slice(0, at)}${changed[2]}${secret.slice(at + 1)}`
  }
})
