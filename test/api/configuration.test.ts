/** A bad var is refused by its name. A var that has no effect, or a name that is no var, is one warning in the log. */
import { reset } from 'cloudflare:test'
import { afterEach, describe, expect, it } from 'vitest'
import { VAR_NAMES } from '../../src/vars.ts'
import wranglerToml from '../../wrangler.toml?raw'
import { linesOf, recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, errorOf } from '../support/gateway.ts'
import { isolate } from '../support/isolate.ts'

afterEach(() => reset())

/** The warnings that a new isolate with these vars logs at its first two requests. */
async function warningsWith(vars: Record<string, unknown>): Promise<string[]> {
  const log = recordLog()
  const ask = isolate(undefined, vars)
  for (let i = 0; i < 2; i++) expect((await ask('GET', '/health', '')).status).toBe(200)
  const lines = linesOf(log, 'trouble').filter(({ what }) => what === 'config')
  expect(lines.every(({ level }) => level === 'warn')).toBe(true)
  return lines.map(({ cause }) => String(cause))
}

describe('a name that looks like a var of the gateway and is none', () => {
  it.each([
    ['AI_GATEWAY_COLLECT_LOGS', 'AI_GATEWAY_COLLECT_LOG'],
    ['AI_GATEWAY_CACHE_TTL', 'AI_GATEWAY_CACHE_SECONDS'],
    ['CORS_ORIGIN', 'CORS_ORIGINS'],
    ['DEFAULT_REQUEST_PER_MINUTE', 'DEFAULT_REQUESTS_PER_MINUTE'],
    ['DEFUALT_BUDGET_USD', 'DEFAULT_BUDGET_USD'],
    ['MODEL', 'MODELS'],
    ['STREAM_KEEP_ALIVE_SECONDS', 'STREAM_KEEPALIVE_SECONDS'],
    ['UPSTREAM_TIMEOUT_MS', 'UPSTREAM_TIMEOUT_SECONDS'],
    ['default_budget_usd', 'DEFAULT_BUDGET_USD'],
    ['ADMIN_TOKENS', 'ADMIN_TOKEN'],
    ['ALERT_URL', 'ALERT_WEBHOOK_URL'],
    ['ALERT_WEBHOOK_SECRETS', 'ALERT_WEBHOOK_SECRET'],
  ])('is one warning with the nearest name: %s', async (name, nearest) => {
    const warnings = await warningsWith({ [name]: '60' })
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`${name}\\b.*\\b${nearest}\\b`))])
  })

  it('does not include the operator’s other names, and its value is not logged', async () => {
    expect(await warningsWith({ MY_VAR: 'x', DEFAULTS: 'x', GATEWAY: 'x' })).toEqual([])
    expect(JSON.stringify(await warningsWith({ DEFAULT_SECRET: 'classified' }))).not.toContain('classified')
  })

  it('is not in wrangler.toml', async () => {
    const names = Array.from(wranglerToml.matchAll(/^# ([A-Z_]+) = /gm), ([, name = '']) => name)
    expect(names.length).toBeGreaterThan(20)
    const known = await warningsWith(Object.fromEntries(names.map((name) => [name, undefined])))
    expect(known).toEqual([])
  })
})

describe('a var that has no effect beside another one', () => {
  it.each<[string, Record<string, string>]>([
    ['DEFAULT_BUDGET_PERIOD', { DEFAULT_BUDGET_PERIOD: 'day' }],
    ['ALERT_WEBHOOK_URL', { ALERT_WEBHOOK_URL: 'http://hooks.example/x' }],
    ['ALERT_WEBHOOK_SECRET', { ALERT_WEBHOOK_SECRET: 'x' }],
    ['METER_STREAMS', { METER_STREAMS: 'never', AI_GATEWAY_COLLECT_LOG: 'false' }],
    ['STREAM_IDLE_SECONDS', { METER_STREAMS: 'never', STREAM_IDLE_SECONDS: '60' }],
    ['AI_GATEWAY_BACKOFF', { AI_GATEWAY_BACKOFF: 'linear' }],
    ['AI_GATEWAY_RETRY_DELAY_MS', { AI_GATEWAY_RETRY_DELAY_MS: '5', AI_GATEWAY_ATTEMPTS: '1' }],
    ['AI_GATEWAY_LOG_TEXTS', { AI_GATEWAY_LOG_TEXTS: 'true', AI_GATEWAY_COLLECT_LOG: 'false' }],
  ])('is one warning: %s', async (name, vars) => {
    expect(await warningsWith(vars)).toEqual([expect.stringMatching(new RegExp(`^${name}\\b`))])
  })

  it('is no warning where it has an effect', async () => {
    const vars = {
      ALERT_WEBHOOK_URL: 'https://hooks.example/x',
      ALERT_WEBHOOK_SECRET: 'x',
      DEFAULT_BUDGET_USD: '5',
      DEFAULT_BUDGET_PERIOD: 'day',
      METER_STREAMS: 'never',
      AI_GATEWAY_ATTEMPTS: '2',
      AI_GATEWAY_BACKOFF: 'linear',
      AI_GATEWAY_RETRY_DELAY_MS: '5',
      AI_GATEWAY_LOG_TEXTS: 'true',
      STREAM_KEEPALIVE_SECONDS: '5',
    }
    expect(await warningsWith(vars)).toEqual([])
  })
})

/** Vars that take any text. */
const FREE_TEXTS = ['AI_GATEWAY_ID', 'CORS_ORIGINS']

describe('a var that takes no free text', () => {
  it.each(VAR_NAMES.filter((name) => !FREE_TEXTS.includes(name)))(
    'is refused by its name where its value makes no sense: %s',
    async (name) => {
      const response = await isolate(undefined, { [name]: '?!' })('GET', '/health', '')
      const { code, message } = await errorOf(response)
      expect([response.status, code, message]).toEqual([500, 'misconfigured', expect.stringContaining(name)])
    },
  )
})

describe('a number var', () => {
  it.each<[string, string | number]>([
    ['AI_GATEWAY_ATTEMPTS', '0'],
    ['AI_GATEWAY_ATTEMPTS', 6],
    ['BODY_BYTES_MAX', '1023'],
    ['BODY_SECONDS', -1],
    ['BODY_SECONDS', 'x'],
    ['BODY_SECONDS', '1.5'],
    ['BODY_SECONDS', 1.5],
    ['BODY_SECONDS', '1e3'],
    ['BODY_SECONDS', '0x10'],
    ['DEFAULT_BUDGET_USD', '0'],
    ['STREAM_KEEPALIVE_SECONDS', ''],
    ['STREAM_KEEPALIVE_SECONDS', '3601'],
  ])('that is not in its range or form is refused by its name: %s = %j', async (name, value) => {
    const response = await isolate(undefined, { [name]: value })('GET', '/health', '')
    const { code, message } = await errorOf(response)
    expect([response.status, code, message]).toEqual([500, 'misconfigured', expect.stringContaining(name)])
  })

  it('may be at either end of its range, as text or as a number', async () => {
    for (const vars of [
      { AI_GATEWAY_ATTEMPTS: '1', BODY_BYTES_MAX: 1024, STREAM_KEEPALIVE_SECONDS: 0 },
      { AI_GATEWAY_ATTEMPTS: 5, BODY_BYTES_MAX: '104857600', STREAM_KEEPALIVE_SECONDS: '3600' },
    ]) {
      expect((await isolate(undefined, vars)('GET', '/health', '')).status).toBe(200)
    }
  })
})

describe('a gateway without an admin token', () => {
  it.each([undefined, 'short'])('says what to run, in each answer and once in the log: %s', async (token) => {
    const log = recordLog()
    const ask = isolate(undefined, token === undefined ? { ADMIN_TOKEN: '' } : { ADMIN_TOKEN: token })
    for (const path of ['/admin/keys', '/admin/usage']) {
      const response = await ask('GET', path, ADMIN_TOKEN)
      expect(response.status).toBe(403)
      expect((await errorOf(response)).message).toContain('npx wrangler secret put ADMIN_TOKEN')
    }
    expect(linesOf(log, 'trouble')).toEqual([
      {
        level: 'warn',
        event: 'trouble',
        what: 'admin_off',
        cause: expect.stringContaining('npx wrangler secret put ADMIN_TOKEN'),
      },
    ])
  })
})
