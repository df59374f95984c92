/** Every route admits or refuses every kind of bearer. */
import { reset } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  ADDRESSES_MAX,
  UnknownKeyThrottle,
  UNKNOWN_KEYS_PER_MINUTE,
} from '../../src/keys/unknown-key-throttle.ts'
import { createSecret } from '../../src/keys/secret.ts'
import { ADMIN_TOKEN, AT_ONCE, call, env, errorOf, HELLO, issueKey, send } from '../support/gateway.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ['Date'] })
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
  ['GET', '/admin/usage', undefined, ['admin']],
  ['POST', '/admin/directory/rebuild', undefined, ['admin']],
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

describe('a flood of unknown keys', () => {
  const from = (address: string, secret: string) =>
    call('/v1/models', { headers: { authorization: `Bearer ${secret}`, 'cf-connecting-ip': address } })

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

  it(
    'with right checksums gets a bounded number of KV reads per address and minute, then 429, while a known key still works',
    { timeout: 20_000 },
    async () => {
      const { secret } = await issueKey()
      const get = vi.spyOn(env.KV, 'get')
      const statuses: number[] = []
      for (let i = 0; i < 50; i++) statuses.push((await from('192.0.2.2', createSecret().secret)).status)
      expect(get).toHaveBeenCalledTimes(UNKNOWN_KEYS_PER_MINUTE)
      expect(statuses.filter((status) => status === 429)).toHaveLength(50 - UNKNOWN_KEYS_PER_MINUTE)
      expect((await from('192.0.2.2', secret)).status).toBe(200)
      expect((await from('192.0.2.3', createSecret().secret)).status).toBe(401)
      const refused = await from('192.0.2.2', createSecret().secret)
      expect(await errorOf(refused)).toMatchObject({ type: 'requests', code: 'rate_limit_exceeded' })
      vi.setSystemTime(Date.now() + 1000 * Number(refused.headers.get('retry-after')))
      expect((await from('192.0.2.2', createSecret().secret)).status).toBe(401)
      get.mockRestore()
    },
  )

  it('is counted per IPv6 /64 network, and for a bounded number of addresses', () => {
    const throttle = new UnknownKeyThrottle()
    for (let i = 0; i < UNKNOWN_KEYS_PER_MINUTE; i++) throttle.count(`2001:db8:1:2::${i}`, 0)
    expect(throttle.waitMs('2001:db8:1:2:ffff::1', 1000)).toBe(59_000)
    expect(throttle.waitMs('2001:db8:1:3::1', 1000)).toBe(0)
    for (let i = 0; i < 2 * ADDRESSES_MAX; i++)
      throttle.count(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 0)
    expect(throttle.size).toBe(ADDRESSES_MAX)
  })
})
