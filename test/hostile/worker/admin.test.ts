/** No request to the operator's routes, from the operator or from an attacker, causes a 5xx or damages a record. */
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_TOKEN, BASE_URL } from '../../support/gateway.ts'
import { damaged, garbled, textOf } from './damage.ts'
import { type Answered, expectCivil, FUZZ_TEST, fuzz, watchLog, openFrontDoor } from './front-door.ts'

const { ask } = openFrontDoor()
const OPERATOR = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }

watchLog()
let id: string
let groupId: string
beforeAll(async () => {
  id = await created('/admin/keys')
  groupId = await created('/admin/groups')
})

async function created(path: string): Promise<string> {
  return (JSON.parse((await expectAnswer('POST', path, '{"name":"x"}')).text) as { id: string }).id
}

async function expectAnswer(method: string, path: string, body?: string | Uint8Array): Promise<Answered> {
  const answered = await ask(
    new Request(BASE_URL + path, {
      method,
      headers: OPERATOR,
      ...(body === undefined ? {} : { body }),
    }),
  )
  expectCivil(method, answered)
  expect(answered.headers.get('cache-control')).toBe('no-store')
  return answered
}

const name = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }),
)
const longName = fc.constantFrom('\u0001'.repeat(100), '\ud800'.repeat(100), '\u20ac'.repeat(100))
const time = fc.oneof(
  fc.constantFrom(
    '2100-01-31T00:00:00Z',
    '2100-01-31T00:00:00.000+14:00',
    `2100-01-31T00:00:00.${'0'.repeat(3_000)}Z`,
  ),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
)
const count = fc.oneof(fc.nat(), fc.constantFrom(1, 1_000_000_000, -0, 2 ** 53))
const limits = fc.record(
  {
    requestsPerMinute: count,
    requestsPerDay: count,
    tokensPerMinute: count,
    concurrentRequests: count,
    completionTokensPerRequest: count,
    mode: fc.constantFrom('strict', 'balanced', 'lenient', 'exact'),
    budget: fc.record({
      usd: fc.oneof(fc.double(), count),
      period: fc.constantFrom('day', 'month', 'total'),
    }),
  },
  { requiredKeys: [] },
)
const models = fc.array(
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom('o3-mini', 'openai/o3-mini') }, name),
)
const allowedAddresses = fc.array(
  fc.oneof(
    fc.ipV4Extended(),
    fc.ipV6(),
    fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(130)).map((parts) => parts.join('/')),
    fc.constantFrom('', '/', ':', '::', '::/', '%', ':'.repeat(10_000), '\u0000', '１.１.１.１'),
  ),
)
/** The id of a group, of a made-up one, of a key, and what is none. */
const group = fc.oneof(
  fc.constantFrom('grp_', 'grp_000000000000', 'grp_00000000000\u0000', '__proto__', 'a'.repeat(5_000)),
  fc.constant(null).map(() => groupId),
  fc.constant(null).map(() => id),
  name,
)
const lists = {
  models: fc.option(models),
  allowedAddresses: fc.option(allowedAddresses),
  group: fc.option(group),
}
const creation = fc.record(
  { name: fc.oneof(name, longName), expiresAt: fc.option(time), limits, ...lists },
  { requiredKeys: ['name'] },
)
const update = fc.record(
  { name, expiresAt: fc.option(time), disabled: fc.boolean(), limits, ...lists },
  { requiredKeys: [] },
)
const rotation = fc.record({ graceSeconds: count }, { requiredKeys: [] })
const groupCreation = fc.record({ name: fc.oneof(name, longName), limits }, { requiredKeys: ['name'] })
const groupUpdate = fc.record({ name, limits, group }, { requiredKeys: [] })

describe('the operator’s bodies', () => {
  it.each([
    ['POST', '/admin/keys', creation],
    ['PATCH', '/admin/keys/:id', update],
    ['POST', '/admin/keys/:id/rotate', rotation],
    ['POST', '/admin/groups', groupCreation],
    ['PATCH', '/admin/groups/:id', groupUpdate],
  ] as const)(
    'to %s %s, whole or damaged, leave a record that can be read',
    FUZZ_TEST,
    async (method, path, whole) => {
      const text = fc.oneof(whole.map(textOf), damaged(whole).map(textOf))
      const body = fc.oneof({ weight: 4, arbitrary: text }, garbled(text))
      const [list, known] = path.startsWith('/admin/keys') ? ['/admin/keys', id] : ['/admin/groups', groupId]
      await fc.assert(
        fc.asyncProperty(body, async (sent) => {
          const answered = await expectAnswer(method, path.replace(':id', known), sent)
          const changed = answered.status < 300 ? (JSON.parse(answered.text) as { id: string }).id : known
          expect((await expectAnswer('GET', `${list}/${changed}`)).status).toBe(200)
        }),
        fuzz(0.015),
      )
      expect((await expectAnswer('GET', list)).status).toBe(200)
    },
  )
})

describe('a key with any limits', () => {
  it('is served or refused, and its usage can be read', FUZZ_TEST, async () => {
    const made = await expectAnswer('POST', '/admin/keys', '{"name":"x"}')
    const key = JSON.parse(made.text) as { id: string; secret: string }
    const headers = { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' }
    const caps = fc.option(fc.oneof(fc.integer({ min: 1, max: 200_000 }), count), { nil: undefined })
    const calls = fc.record({ cap: caps, n: fc.constantFrom(undefined, 1, 8), stream: fc.boolean() })
    const valid = limits.map((drawn) => JSON.stringify({ limits: drawn }))
    await fc.assert(
      fc.asyncProperty(valid, calls, async (change, { cap, n, stream }) => {
        await expectAnswer('PATCH', `/admin/keys/${key.id}`, change)
        const messages = [{ role: 'user', content: 'Hi' }]
        const body = JSON.stringify({ model: 'o3-mini', messages, max_completion_tokens: cap, n, stream })
        const init = { method: 'POST', headers, body }
        const answered = await ask(new Request(`${BASE_URL}/v1/chat/completions`, init))
        expectCivil('POST', answered)
        expect([200, 400, 429]).toContain(answered.status)
        expect((await expectAnswer('GET', `/admin/keys/${key.id}/usage`)).status).toBe(200)
      }),
      fuzz(0.02),
    )
  })
})

describe('the operator’s addresses', () => {
  it('with any query are answered', FUZZ_TEST, async () => {
    const value = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '',
        '0',
        '1',
        '1001',
        '-1',
        '1e2',
        '0x10',
        'NaN',
        '%',
        '%zz',
        '%ff',
        'null',
        'a'.repeat(5_000),
        'csv',
        '2026-11-22',
        '2026-02-30',
        '9999-12-31',
        '+275760-09-13',
      ),
    )
    const where = fc.constantFrom(
      '/admin/keys',
      '/admin/groups',
      '/admin/usage',
      '/admin/metrics',
      `/admin/keys/${id}/usage`,
      `/admin/groups/${groupId}/usage`,
    )
    const pair = fc.tuple(
      fc.constantFrom('limit', 'cursor', 'name', 'state', 'sort', 'group', 'from', 'to', 'by', 'format', 'x'),
      value,
    )
    await fc.assert(
      fc.asyncProperty(
        where,
        fc.array(pair, { maxLength: 4 }),
        fc.boolean(),
        async (path, pairs, isEncoded) => {
          const parts = pairs.map(
            ([key, text]) => `${key}=${isEncoded ? encodeURIComponent(text.toWellFormed()) : text}`,
          )
          await expectAnswer('GET', `${path}?${parts.join('&')}`)
        },
      ),
      fuzz(0.02),
    )
  })

  it('with any other id are a 404, and reach no record', FUZZ_TEST, async () => {
    const odd = fc.oneof(
      fc.string({ minLength: 1 }).map((text) => encodeURIComponent(text)),
      fc.constantFrom('%', '%2f', '..%2f', 'key:x', `${'0'.repeat(11)}%0a`, '__proto__', 'a'.repeat(600)),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/admin/keys/x', '/admin/groups/x', '/admin/groups/grp_'),
        odd,
        fc.constantFrom('GET', 'DELETE', 'PATCH'),
        async (path, what, method) => {
          const body = method === 'PATCH' ? '{}' : undefined
          expect([404, 405]).toContain((await expectAnswer(method, path + what, body)).status)
        },
      ),
      fuzz(0.02),
    )
  })

  it('with an invented cursor are a 400', async () => {
    const ofAnotherOrder = btoa('["name","x","x"]')
    for (const cursor of ['', 'x', '%00', btoa('[]'), btoa('["created","x","x"]'), ofAnotherOrder]) {
      const answered = await expectAnswer('GET', `/admin/keys?cursor=${cursor}`)
      expect([answered.status, answered.text.includes('"param":"cursor"')]).toEqual([400, true])
    }
  })
})

describe('a time', () => {
  it('of a thousand digits is refused', async () => {
    const expiresAt = `2100-01-31T00:00:00.${'0'.repeat(1_000)}Z`
    const answered = await expectAnswer('POST', '/admin/keys', JSON.stringify({ name: 'x', expiresAt }))
    expect(answered.status).toBe(400)
  })
})
