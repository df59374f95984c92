/** CORS is off by default. Listed origins get what a browser's SDK needs, and no access to the operator's routes. */
import { createExecutionContext, reset } from 'cloudflare:test'
import { afterEach, describe, expect, it } from 'vitest'
import { app } from '../../src/app.ts'
import { ADMIN_TOKEN, AT_ONCE, env, HELLO, issueKey } from '../support/gateway.ts'

afterEach(async () => {
  await reset()
})

function request(path: string, init: RequestInit, CORS_ORIGINS?: string): Promise<Response> {
  const vars = CORS_ORIGINS === undefined ? {} : { CORS_ORIGINS }
  return Promise.resolve(app.request(path, init, { ...env, ...vars }, createExecutionContext()))
}

const PREFLIGHT = {
  method: 'OPTIONS',
  headers: {
    origin: 'https://app.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,x-stainless-os,openai-project',
  },
}

describe('CORS', () => {
  it('is off by default: a preflight gets a plain 405 and no CORS header', async () => {
    const preflight = await request('/v1/chat/completions', PREFLIGHT)
    expect(preflight.status).toBe(405)
    expect([...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it.each(['https://other.example, https://app.example', '*'])(
    'with the origins %s answers a preflight without a key',
    async (origins) => {
      const preflight = await request('/v1/chat/completions', PREFLIGHT, origins)
      expect(preflight.status).toBe(204)
      expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example')
      expect(preflight.headers.get('access-control-allow-headers')).toContain('x-stainless-os')
      expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
      expect(preflight.headers.get('x-request-id')).toMatch(/^req_/)
    },
  )

  it('sends no CORS header to an unlisted origin', async () => {
    const preflight = await request('/v1/chat/completions', PREFLIGHT, 'https://other.example')
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('lets a page read answers and errors, with their ids, limits and times', async () => {
    const [limited, free] = [await issueKey({ limits: { requestsPerMinute: 1 } }), await issueKey()]
    const post = (body: object, { secret } = limited) =>
      request(
        '/v1/chat/completions',
        {
          method: 'POST',
          headers: {
            origin: 'https://app.example',
            authorization: `Bearer ${secret}`,
            'content-type': 'application/json',
          },
          body: JSON.stringify(body),
        },
        '*',
      )
    const answers = [
      await post({ ...HELLO, simulate: AT_ONCE }),
      await post({ ...HELLO, simulate: AT_ONCE }),
      await post({}, free),
      await request('/v1/nowhere', { headers: { origin: 'https://app.example' } }, '*'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 429, 400, 404])
    for (const { headers } of answers) {
      expect(headers.get('access-control-allow-origin')).toBe('https://app.example')
      for (const name of ['x-request-id', 'retry-after', 'x-ratelimit-remaining-tokens']) {
        expect(headers.get('access-control-expose-headers')).toContain(name)
      }
    }
  })

  it('is never for the operator’s routes', async () => {
    const headers = { origin: 'https://app.example', authorization: `Bearer ${ADMIN_TOKEN}` }
    const response = await request('/admin/keys', { headers }, '*')
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, null])
  })
})
