/** A key can be held to addresses. */
import { reset } from 'cloudflare:test'
import { afterEach, describe, expect, it } from 'vitest'
import { ALLOWED_ADDRESSES_MAX } from '../../src/keys/allowed-addresses.ts'
import { createSecret } from '../../src/keys/secret.ts'
import { linesOf, recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, AT_ONCE, env, errorOf, HELLO, issueKey, send } from '../support/gateway.ts'

afterEach(async () => {
  await reset()
})

function completeFrom(
  address: string | null,
  secret: string,
  body: unknown = { ...HELLO, simulate: AT_ONCE },
) {
  const headers = address === null ? {} : { 'cf-connecting-ip': address }
  return send('POST', '/v1/chat/completions', secret, body, { headers })
}

describe('a key with allowed addresses', () => {
  it.each([
    ['203.0.113.7', ['203.0.113.7'], 200],
    ['203.0.113.8', ['203.0.113.7'], 403],
    ['203.0.113.8', ['198.51.100.0/24', '203.0.113.0/24'], 200],
    ['203.0.114.8', ['203.0.113.0/24'], 403],
    ['2001:db8::1', ['2001:DB8:0:0::/64'], 200],
    ['2001:db8:0:1::1', ['2001:db8::/64'], 403],
    ['::ffff:203.0.113.7', ['203.0.113.0/24'], 200],
    ['203.0.113.7', ['::ffff:203.0.113.0/120'], 200],
    ['2001:db8::1', ['0.0.0.0/0'], 403],
    ['made up', ['0.0.0.0/0', '::/0'], 403],
    [null, ['0.0.0.0/0', '::/0'], 403],
  ])('answers %s with the list %j by %i', async (address, allowedAddresses, status) => {
    const { secret } = await issueKey({ allowedAddresses })
    expect((await completeFrom(address, secret)).status).toBe(status)
  })

  it('says which address it refused, in OpenAI’s envelope, and the log has the reason without the address', async () => {
    const log = recordLog()
    const { secret } = await issueKey({ allowedAddresses: ['192.0.2.1'] })
    const response = await completeFrom('203.0.113.7', secret)
    expect(response.status).toBe(403)
    expect(await errorOf(response)).toEqual({
      message: expect.stringContaining('203.0.113.7'),
      type: 'invalid_request_error',
      param: null,
      code: 'ip_not_authorized',
    })
    const [line] = linesOf(log, 'request').filter(({ status }) => status === 403)
    expect(line).toMatchObject({ reason: 'ip_not_authorized' })
    expect(JSON.stringify(line)).not.toContain('203.0.113.7')
  })

  it('refuses a wrong secret as wrong, so that nobody learns of the list', async () => {
    const { id } = await issueKey({ allowedAddresses: ['192.0.2.1'] })
    const response = await completeFrom('203.0.113.7', createSecret(id).secret)
    expect([response.status, (await errorOf(response)).code]).toEqual([401, 'invalid_api_key'])
  })

  it('refuses before it reads the body, on every route of a holder', async () => {
    const { secret } = await issueKey({ allowedAddresses: ['192.0.2.1'] })
    expect((await completeFrom('203.0.113.7', secret, '{')).status).toBe(403)
    for (const path of ['/v1/models', '/v1/models/o3-mini', '/v1/usage', '/v1/usage/requests']) {
      expect([path, (await send('GET', path, secret)).status]).toEqual([path, 403])
    }
  })

  it('follows a change at once here, and works from anywhere after null', async () => {
    const { id, secret } = await issueKey({ allowedAddresses: ['192.0.2.1'] })
    const statusAfter = async (allowedAddresses: string[] | null) => {
      const response = await send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, { allowedAddresses })
      expect(response.status).toBe(200)
      return (await completeFrom('203.0.113.7', secret)).status
    }
    expect(await statusAfter(['203.0.113.0/24'])).toBe(200)
    expect(await statusAfter(['192.0.2.1'])).toBe(403)
    expect(await statusAfter(null)).toBe(200)
  })

  it('is shown with them in its view, in the list and in its copy in KV', async () => {
    const { id } = await issueKey({ allowedAddresses: ['192.0.2.1'] })
    const view = await (await send('GET', `/admin/keys/${id}`, ADMIN_TOKEN)).json()
    const list = await (await send('GET', '/admin/keys', ADMIN_TOKEN)).json()
    const copy = JSON.parse((await env.KV.get(`key:${id}`)) ?? '')
    for (const shown of [view, copy]) expect(shown).toMatchObject({ allowedAddresses: ['192.0.2.1'] })
    expect(list).toMatchObject({ data: [{ id, allowedAddresses: ['192.0.2.1'] }] })
  })
})

describe('allowed addresses that are wrong', () => {
  it.each([
    ['a prefix that is too long', ['1.2.3.4', '::1', '1.2.3.4/33'], 'allowedAddresses[2]'],
    ['a name', ['localhost'], 'allowedAddresses[0]'],
    ['a padded number', ['010.0.0.1'], 'allowedAddresses[0]'],
    ['a zone', ['fe80::1%eth0'], 'allowedAddresses[0]'],
    ['a megabyte', ['1'.repeat(1_000_000)], 'allowedAddresses[0]'],
    ['an empty list', [], 'allowedAddresses'],
    ['too many', Array<string>(ALLOWED_ADDRESSES_MAX + 1).fill('::1'), 'allowedAddresses'],
  ])('as %s are a 400 that names them', async (_what, allowedAddresses, param) => {
    const { id } = await issueKey()
    for (const response of [
      await send('POST', '/admin/keys', ADMIN_TOKEN, { name: 'a', allowedAddresses }),
      await send('PATCH', `/admin/keys/${id}`, ADMIN_TOKEN, { allowedAddresses }),
    ]) {
      expect(response.status).toBe(400)
      expect((await errorOf(response)).param).toBe(param)
    }
  })
})
