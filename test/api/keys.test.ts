/** Keys are created, authenticated, changed and deleted. */
import { reset } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createSecret, hashSecret } from '../../src/keys/secret.ts'
import { linesOf, recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, call, complete, env, errorOf, issueKey, send } from '../support/gateway.ts'

afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

describe('a secret', () => {
  it('has the documented form and opens the gateway', async () => {
    const { id, secret } = await issueKey()
    expect(secret).toMatch(/^sk-gw-[0-9A-Za-z]{12}-[0-9A-Za-z]{33}$/)
    expect(secret).toContain(id)
    expect((await complete(secret)).status).toBe(200)
  })

  it('is stored nowhere: KV has its hash and the view, not the secret', async () => {
    const { id, secret } = await issueKey({ name: 'alice' })
    const { value, metadata } = await env.KV.getWithMetadata(`key:${id}`)
    const stored = `${value}${JSON.stringify(metadata)}`
    expect(stored).toContain('alice')
    expect(stored).not.toContain(secret.slice(-33))
    expect(JSON.stringify(metadata)).not.toContain('Sha256')
  })

  it('that is missing is a 401 with a null code', async () => {
    const response = await call('/v1/models')
    expect(response.status).toBe(401)
    expect(await errorOf(response)).toMatchObject({ type: 'invalid_request_error', code: null, param: null })
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })

  it('in another scheme counts as missing', async () => {
    const response = await call('/v1/models', { headers: { authorization: 'Basic c2s6Z3c=' } })
    expect((await errorOf(response)).message).toContain("didn't provide an API key")
  })

  it('that is unknown, wrong, disabled, expired or malformed gets the same message, and the log has the reason', async () => {
    const log = recordLog()
    const disabled = await issueKey()
    await send('PATCH', `/admin/keys/${disabled.id}`, ADMIN_TOKEN, { disabled: true })
    const expired = await issueKey({ expiresAt: new Date(Date.now() + 1000).toISOString() })
    vi.useFakeTimers({ now: Date.now() + 2000, toFake: ['Date'] })
    const wrong = createSecret((await issueKey()).id).secret
    const answers = []
    for (const secret of [
      createSecret().secret,
      wrong,
      disabled.secret,
      expired.secret,
      'sk-something-else-entirely',
    ]) {
      const response = await complete(secret)
      const { message, ...rest } = await errorOf(response)
      answers.push({ status: response.status, ...rest, message: message.replace(/: \S+ Ask/, ': … Ask') })
      expect(message).not.toContain(secret)
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'invalid_request_error' })
    expect(linesOf(log, 'request').flatMap(({ status, reason }) => (status === 401 ? [reason] : []))).toEqual(
      ['key_unknown', 'key_wrong', 'key_disabled', 'key_expired', 'key_malformed'],
    )
  })

  it('with a mistyped character is refused without a read of KV', async () => {
    const { id, secret } = await issueKey()
    const get = vi.spyOn(env.KV, 'get')
    const mistyped = secret.slice(0, 30) + (secret[30] === 'a' ? 'b' : 'a') + secret.slice(31)
    expect((await complete(mistyped)).status).toBe(401)
    expect(get.mock.calls.map(([name]) => String(name))).not.toContain(`key:${id}`)
    get.mockRestore()
  })
})

describe('the isolate’s memory', () => {
  it('reads KV once in 30 s for a key, and once in 60 s for an unknown key', async () => {
    const { id, secret } = createSecret()
    const get = vi.spyOn(env.KV, 'get')
    const start = Date.now()
    const readsAfter = async (milliseconds: number): Promise<number> => {
      vi.useFakeTimers({ now: start + milliseconds, toFake: ['Date'] })
      get.mockClear()
      await (await complete(secret)).text()
      return get.mock.calls.filter(([name]) => String(name) === `key:${id}`).length
    }
    expect([await readsAfter(0), await readsAfter(59_000)]).toEqual([1, 0])
    await env.ACCOUNTS.getByName(id).create({
      id,
      name: 'late',
      createdAt: '2026-01-01T00:00:00Z',
      expiresAt: null,
      disabled: false,
      limits: {},
      secretSha256: await hashSecret(secret),
      previous: null,
    })
    expect([await readsAfter(61_000), await readsAfter(90_000), await readsAfter(92_000)]).toEqual([1, 0, 1])
    expect((await complete(secret)).status).toBe(200)
    get.mockRestore()
  })
})

describe('the operator', () => {
  it('creates a key whose secret only that answer contains', async () => {
    const response = await send('POST', '/admin/keys', ADMIN_TOKEN, {
      name: 'alice',
      expiresAt: '2099-01-01T00:00:00Z',
      limits: { requestsPerMinute: 60 },
    })
    expect(response.status).toBe(201)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const { id, secret, ...view } = await response.json<Record<string, unknown>>()
    expect(view).toEqual({
      name: 'alice',
      createdAt: expect.any(String),
      expiresAt: '2099-01-01T00:00:00Z',
      disabled: false,
      limits: { requestsPerMinute: 60 },
    })
    const shown = await (await send('GET', `/admin/keys/${String(id)}`, ADMIN_TOKEN)).text()
    expect(JSON.parse(shown)).toEqual({ id, ...view })
    expect(shown).not.toContain(String(secret))
  })

  it('pages through all keys', async () => {
    const ids = new Set<string>()
    for (let i = 0; i < 5; i++) ids.add((await issueKey({ name: `key ${i}` })).id)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const query: string = `?limit=2${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
      const response = await send('GET', `/admin/keys${query}`, ADMIN_TOKEN)
      const page: { data: { id: string }[]; nextCursor: string | null } = await response.json()
      expect(page.data.length).toBeLessThanOrEqual(2)
      seen.push(...page.data.map((key) => key.id))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seen.toSorted()).toEqual([...ids].toSorted())
  })

  it('changes a key and removes a limit with null, and the change holds here at once', async () => {
    const { id, secret } = await issueKey({ limits: { requestsPerMinute: 5 } })
    expect((await complete(secret)).status).toBe(200)
    const response = await send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, {
      name: 'renamed',
      disabled: true,
      limits: { requestsPerMinute: null },
    })
    expect(await response.json()).toMatchObject({ name: 'renamed', disabled: true, limits: {} })
    expect((await complete(secret)).status).toBe(401)
  })

  it.each([[{}], [{ 'content-type': 'application/json' }]])(
    'rotates by a request without a body, with the headers %o',
    async (headers) => {
      const { id } = await issueKey()
      const init = { method: 'POST', headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...headers } }
      expect((await call(`/admin/keys/${id}/rotate`, init)).status).toBe(200)
    },
  )

  it('deletes a key', async () => {
    const { id, secret } = await issueKey()
    expect(await (await send('DELETE', `/admin/keys/${id}`, ADMIN_TOKEN)).json()).toMatchObject({
      id,
      deleted: true,
    })
    expect((await complete(secret)).status).toBe(401)
    expect((await send('GET', `/admin/keys/${id}`, ADMIN_TOKEN)).status).toBe(404)
  })

  it('rotates a secret at once, without a body', async () => {
    const { id, secret } = await issueKey()
    const response = await send('POST', `/admin/keys/${id}/rotate`, ADMIN_TOKEN)
    const rotated: { secret: string } = await response.json()
    expect((await complete(secret)).status).toBe(401)
    expect((await complete(rotated.secret)).status).toBe(200)
  })

  it('rotates with a grace period in which both secrets work and after which only the new one does', async () => {
    const { id, secret } = await issueKey()
    const response = await send('POST', `/admin/keys/${id}/rotate`, ADMIN_TOKEN, { graceSeconds: 600 })
    const rotated: { secret: string } = await response.json()
    expect((await complete(secret)).status).toBe(200)
    expect((await complete(rotated.secret)).status).toBe(200)
    vi.useFakeTimers({ now: Date.now() + 601_000, toFake: ['Date'] })
    expect((await complete(secret)).status).toBe(401)
    expect((await complete(rotated.secret)).status).toBe(200)
  })

  it('learns the invalid field of a body', async () => {
    const cases: [unknown, string][] = [
      [{}, 'name'],
      [{ name: 5 }, 'name'],
      [{ name: '' }, 'name'],
      [{ name: 'a', limits: { requestsPerMinute: 0 } }, 'limits.requestsPerMinute'],
      [{ name: 'a', limits: { requestPerMinute: 10 } }, 'limits.requestPerMinute'],
      [{ name: 'a', expiresAt: 'tomorrow' }, 'expiresAt'],
      [{ name: 'a', expiresAt: '2001-01-01T00:00:00Z' }, 'expiresAt'],
    ]
    for (const [body, param] of cases) {
      const response = await send('POST', '/admin/keys', ADMIN_TOKEN, body)
      expect([response.status, (await errorOf(response)).param]).toEqual([400, param])
    }
    expect((await send('GET', '/admin/keys?limit=0', ADMIN_TOKEN)).status).toBe(400)
  })

  it('is the only one to pass: no token, a wrong token and a key are refused', async () => {
    const { secret } = await issueKey()
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Bearer ${secret}` }]) {
      for (const path of ['/admin/keys', '/admin/keys/LocalOffline', '/admin/anything']) {
        expect((await call(path, { headers })).status).toBe(401)
      }
    }
  })

  it('gets a 403 that explains the routes are off without a token of 32 characters', async () => {
    const { app } = await import('../../src/app.ts')
    for (const ADMIN_TOKEN of [undefined, 'short']) {
      const response = await app.request(
        '/admin/keys',
        { headers: { authorization: 'Bearer short' } },
        { ...env, ADMIN_TOKEN },
      )
      expect(response.status).toBe(403)
      expect((await errorOf(response)).message).toContain('ADMIN_TOKEN')
    }
  })
})

describe('while KV and the accounts fail', () => {
  it('a known key works for 15 minutes, and an unknown key gets 503 with retry-after, never 401', async () => {
    const log = recordLog()
    const { id, secret } = await issueKey()
    const stranger = await issueKey()
    const madeUp = createSecret()
    await complete(secret)
    const start = Date.now()
    const get = vi.spyOn(env.KV, 'get').mockRejectedValue(new Error('KV GET failed: 500'))
    const getByName = vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation(() => {
      throw new Error('internal error')
    })
    vi.useFakeTimers({ now: start + 14 * 60_000, toFake: ['Date'] })
    expect((await complete(secret)).status).toBe(200)
    const unknown = await complete(madeUp.secret)
    expect([unknown.status, unknown.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await errorOf(unknown)).type).toBe('server_error')
    vi.setSystemTime(start + 16 * 60_000)
    expect((await complete(secret)).status).toBe(503)
    get.mockRestore()
    getByName.mockRestore()
    expect((await complete(secret)).status).toBe(200)
    expect((await complete(stranger.secret)).status).toBe(200)
    // Accounts of earlier tests may be in trouble meanwhile.
    const ids: unknown[] = [id, stranger.id, madeUp.id]
    const own = linesOf(log, 'trouble').filter(({ keyId }) => ids.includes(keyId))
    const troubles = new Set(own.map(({ what }) => what))
    expect(troubles).toEqual(new Set(['kv_read', 'account_read', 'account_settle']))
  })

  it('an unreadable record is a 500 for its own key only', async () => {
    const good = await issueKey()
    const { id, secret } = createSecret()
    await env.KV.put(`key:${id}`, '{"v":0}')
    expect((await complete(secret)).status).toBe(500)
    expect((await complete(good.secret)).status).toBe(200)
  })
})
