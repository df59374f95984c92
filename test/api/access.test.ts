/** Every route admits or refuses every kind of bearer. */
import { reset } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  ADDRESSES_MAX,
  AddressThrottle,
  WRONG_ADMIN_TOKENS_PER_MINUTE,
} from '../../src/keys/address-throttle.ts'
import { UNKNOWN_KEYS_PER_MINUTE } from '../../src/keys/key-store.ts'
import { createSecret, hashSecret } from '../../src/keys/secret.ts'
import { ADMIN_TOKEN, AT_ONCE, call, env, errorOf, HELLO, issueKey, send } from '../support/gateway.ts'

/** Each test begins two minutes after the one before it, so that their throttles do not add up. */
let nowMs = 1_800_000_000_000
beforeEach(() => {
  nowMs += 120_000
  vi.useFakeTimers({ now: nowMs, toFake: ['Date'] })
})
afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

type Bearer =
  | 'none'
  | 'wrong'
  | 'expired'
  | 'disabled'
  | 'rotated, within grace'
  | 'rotated, after grace'
  | 'good'
  | 'admin'

/** Returns one bearer of each kind, made through the operator's routes. */
async function bearers(): Promise<Record<Bearer, string>> {
  const expired = await issueKey({ expiresAt: new Date(Date.now() + 1000).toISOString() })
  const disabled = await issueKey()
  await send('PATCH', `/admin/keys/${disabled.id}`, ADMIN_TOKEN, { disabled: true })
  const inGrace = await issueKey()
  await send('POST', `/admin/keys/${inGrace.id}/rotate`, ADMIN_TOKEN, { graceSeconds: 3600 })
  const afterGrace = await issueKey()
  await send('POST', `/admin/keys/${afterGrace.id}/rotate`, ADMIN_TOKEN, { graceSeconds: 2 })
  const good = await issueKey()
  vi.setSystemTime(Date.now() + 10_000)
  return {
    none: '',
    wrong: createSecret(good.id).secret,
    expired: expired.secret,
    disabled: disabled.secret,
    'rotated, within grace': inGrace.secret,
    'rotated, after grace': afterGrace.secret,
    good: good.secret,
    admin: ADMIN_TOKEN,
  }
}

const HOLDERS: readonly Bearer[] = ['good', 'rotated, within grace']
const chat = { ...HELLO, simulate: AT_ONCE }

describe.each<[string, string, unknown, readonly Bearer[] | 'all']>([
  ['POST', '/v1/chat/completions', chat, HOLDERS],
  ['GET', '/v1/models', undefined, HOLDERS],
  ['GET', '/v1/models/o3-mini', undefined, HOLDERS],
  ['GET', '/health', undefined, 'all'],
  ['GET', '/admin/keys', undefined, ['admin']],
  ['POST', '/admin/keys', { name: 'x' }, ['admin']],
  ['GET', '/admin/keys/000000000000', undefined, ['admin']],
  ['PATCH', '/admin/keys/000000000000', {}, ['admin']],
  ['DELETE', '/admin/keys/000000000000', undefined, ['admin']],
  ['POST', '/admin/keys/000000000000/rotate', {}, ['admin']],
  ['GET', '/admin/groups', undefined, ['admin']],
  ['POST', '/admin/groups', { name: 'x' }, ['admin']],
  ['GET', '/admin/groups/grp_000000000000', undefined, ['admin']],
  ['PATCH', '/admin/groups/grp_000000000000', {}, ['admin']],
  ['DELETE', '/admin/groups/grp_000000000000', undefined, ['admin']],
  ['GET', '/admin/groups/grp_000000000000/usage', undefined, ['admin']],
  ['GET', '/admin/usage', undefined, ['admin']],
  ['GET', '/admin/metrics', undefined, ['admin']],
  ['POST', '/admin/directory/rebuild', undefined, ['admin']],
  ['POST', '/admin/alerts/test', undefined, ['admin']],
])('%s %s', (method, path, body, admitted) => {
  it(`admits ${admitted === 'all' ? 'every bearer' : `only these bearers: ${admitted.join('; ')}`}`, async () => {
    const kinds = await bearers()
    for (const [kind, secret] of Object.entries(kinds)) {
      const response = await send(method, path, secret, body)
      const isAdmitted = response.status !== 401
      expect([kind, isAdmitted]).toEqual([
        kind,
        admitted === 'all' || admitted.some((bearer) => bearer === kind),
      ])
      if (path.startsWith('/admin')) expect(response.headers.get('cache-control')).toBe('no-store')
      await response.text()
    }
  })
})

/** A GET with this bearer from this address. */
const from = (address: string, bearer: string, path = '/v1/models') =>
  call(path, { headers: { authorization: `Bearer ${bearer}`, 'cf-connecting-ip': address } })

/** A key that another isolate has created: this one has not met it. */
async function strangersKey(): Promise<string> {
  const { id, secret } = createSecret()
  await env.ACCOUNTS.getByName(id).create(await recordOf(id, secret))
  return secret
}

async function recordOf(id: string, secret: string) {
  const view = { id, name: 'stranger', createdAt: '2026-01-01T00:00:00Z', expiresAt: null, disabled: false }
  return { ...view, limits: {}, secretSha256: await hashSecret(secret), previous: null }
}

describe('a flood of unknown keys', { timeout: 30_000 }, () => {
  const guess = (address: string) => from(address, createSecret().secret)

  it('with wrong checksums causes no KV read', async () => {
    const get = vi.spyOn(env.KV, 'get')
    for (let i = 0; i < 50; i++) {
      const { secret } = createSecret()
      const response = await from('192.0.2.1', secret.slice(0, -1) + (secret.endsWith('0') ? '1' : '0'))
      expect(response.status).toBe(401)
    }
    expect(get).not.toHaveBeenCalled()
    get.mockRestore()
  })

  it('with right checksums gets a bounded number of KV reads per address and minute, then 429, while a known key still works', async () => {
    const { secret } = await issueKey()
    const get = vi.spyOn(env.KV, 'get')
    const statuses: number[] = []
    for (let i = 0; i < 50; i++) statuses.push((await guess('192.0.2.2')).status)
    expect(get).toHaveBeenCalledTimes(UNKNOWN_KEYS_PER_MINUTE)
    expect(statuses.filter((status) => status === 429)).toHaveLength(50 - UNKNOWN_KEYS_PER_MINUTE)
    expect((await from('192.0.2.2', secret)).status).toBe(200)
    expect((await guess('192.0.2.3')).status).toBe(401)
    const refused = await guess('192.0.2.2')
    expect(await errorOf(refused)).toMatchObject({ type: 'requests', code: 'rate_limit_exceeded' })
    vi.setSystemTime(Date.now() + 1000 * Number(refused.headers.get('retry-after')))
    expect((await guess('192.0.2.2')).status).toBe(401)
    get.mockRestore()
  })

  it('in parallel gets no more KV reads than one after another', async () => {
    const get = vi.spyOn(env.KV, 'get')
    const answers = await Promise.all(Array.from({ length: 60 }, () => guess('192.0.2.4')))
    expect(get).toHaveBeenCalledTimes(UNKNOWN_KEYS_PER_MINUTE)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(60 - UNKNOWN_KEYS_PER_MINUTE)
    get.mockRestore()
  })

  it('keeps no valid key out that the isolate has not met, without a KV read for it', async () => {
    const stranger = await strangersKey()
    const get = vi.spyOn(env.KV, 'get')
    const guesses = Array.from({ length: 2 * UNKNOWN_KEYS_PER_MINUTE }, () => guess('192.0.2.5'))
    await Promise.all(guesses)
    expect((await from('192.0.2.5', stranger)).status).toBe(200)
    expect(get).toHaveBeenCalledTimes(UNKNOWN_KEYS_PER_MINUTE)
    get.mockRestore()
  })

  it('is not made by valid keys: a look-up that finds its key does not count', async () => {
    const strangers = await Promise.all(Array.from({ length: UNKNOWN_KEYS_PER_MINUTE + 5 }, strangersKey))
    for (const stranger of strangers) expect((await from('192.0.2.6', stranger)).status).toBe(200)
    for (let i = 0; i < UNKNOWN_KEYS_PER_MINUTE; i++) expect((await guess('192.0.2.6')).status).toBe(401)
    expect((await guess('192.0.2.6')).status).toBe(429)
  })

  it('is not made by one unknown key that is tried again and again', async () => {
    const { secret } = createSecret()
    for (let i = 0; i < 2 * UNKNOWN_KEYS_PER_MINUTE; i++)
      expect((await from('192.0.2.7', secret)).status).toBe(401)
    expect((await guess('192.0.2.7')).status).toBe(401)
  })

  it('delays a key of version 0.1, which only KV has, until it has an account', async () => {
    const { id, secret } = createSecret()
    await env.KV.put(`key:${id}`, JSON.stringify(await recordOf(id, secret)))
    for (let i = 0; i < UNKNOWN_KEYS_PER_MINUTE; i++) expect((await guess('192.0.2.11')).status).toBe(401)
    expect((await from('192.0.2.11', secret)).status).toBe(429)
    expect((await send('POST', '/admin/directory/rebuild', ADMIN_TOKEN)).status).toBe(200)
    expect((await from('192.0.2.11', secret)).status).toBe(200)
  })
})

describe('a flood of wrong admin tokens', { timeout: 30_000 }, () => {
  const wrongToken = (i: number) => `wrong-admin-token-number-${i}-of-a-test-and-of-nothing-else`

  it('gets 429 after 10 a minute from its address, and keeps no right token out', async () => {
    const statuses: number[] = []
    for (let i = 0; i < WRONG_ADMIN_TOKENS_PER_MINUTE + 5; i++)
      statuses.push((await from('192.0.2.8', wrongToken(i), '/admin/keys')).status)
    expect(statuses).toEqual([
      ...Array<number>(WRONG_ADMIN_TOKENS_PER_MINUTE).fill(401),
      ...Array<number>(5).fill(429),
    ])
    const refused = await from('192.0.2.8', wrongToken(0), '/admin/keys')
    expect(refused.headers.get('cache-control')).toBe('no-store')
    expect(await errorOf(refused)).toMatchObject({ code: 'rate_limit_exceeded', type: 'requests' })
    expect((await from('192.0.2.9', wrongToken(0), '/admin/keys')).status).toBe(401)
    for (const address of ['192.0.2.9', '192.0.2.8'])
      expect((await from(address, ADMIN_TOKEN, '/admin/keys')).status).toBe(200)
    vi.setSystemTime(Date.now() + 1000 * Number(refused.headers.get('retry-after')))
    expect((await from('192.0.2.8', wrongToken(0), '/admin/keys')).status).toBe(401)
  })

  it('is not made by requests without a token', async () => {
    for (let i = 0; i < 2 * WRONG_ADMIN_TOKENS_PER_MINUTE; i++)
      expect((await call('/admin/keys', { headers: { 'cf-connecting-ip': '192.0.2.10' } })).status).toBe(401)
  })
})

describe('a throttle by address', () => {
  it('counts an IPv6 /64 network as one address, however its addresses are written', () => {
    const throttle = new AddressThrottle(3)
    for (const address of ['2001:db8:1:2::1', '2001:db8:1:2:a:b:c:d', '2001:db8:1:2::ffff:0:1'])
      expect(throttle.start(address, 0).waitMs).toBe(0)
    expect(throttle.start('2001:db8:1:2:ffff::1', 1000).waitMs).toBe(59_000)
    expect(throttle.start('2001:db8:1:3::1', 1000).waitMs).toBe(0)
    for (const address of ['2001:db8::1', '2001:db8::a:b:c:d', '2001:db8::b:b:c:d'])
      expect(throttle.start(address, 0).waitMs).toBe(0)
    expect(throttle.start('2001:db8::c:b:c:d', 0).waitMs).toBe(60_000)
  })

  it('remembers a bounded number of addresses', () => {
    const throttle = new AddressThrottle(3)
    for (let i = 0; i < 2 * ADDRESSES_MAX; i++)
      throttle.start(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 0)
    expect(throttle.size).toBe(ADDRESSES_MAX)
  })

  it('takes back an attempt of its own minute only', () => {
    const throttle = new AddressThrottle(1)
    const first = throttle.start('192.0.2.1', 0)
    expect(throttle.start('192.0.2.1', 1).waitMs).toBe(59_999)
    first.takeBack()
    expect(throttle.start('192.0.2.1', 2).waitMs).toBe(0)
    expect(throttle.start('192.0.2.1', 60_000).waitMs).toBe(0)
    first.takeBack()
    expect(throttle.start('192.0.2.1', 60_001).waitMs).toBe(59_999)
  })
})
