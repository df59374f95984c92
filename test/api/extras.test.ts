/** What costs more than its tokens is refused, unless the operator allows it by name. */
import { createExecutionContext, reset, runDurableObjectAlarm, waitOnExecutionContext } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { app } from '../../src/app.ts'
import { AT_ONCE, complete, env, errorOf, HELLO, issueKey, leaveAll, respond } from '../support/gateway.ts'
import { usageAfter, usageOf } from '../support/usage.ts'

let secret: string
beforeEach(async () => {
  ;({ secret } = await issueKey())
})
afterEach(async () => {
  await reset()
})

async function inputsOf(tag: string) {
  return (await env.AI.calls()).find((call) => call.tag === tag)?.inputs
}

/** Sends a body under `ALLOWED_EXTRAS`. */
async function allowing(ALLOWED_EXTRAS: string, path: string, body: object, key = secret): Promise<Response> {
  const context = createExecutionContext()
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const init = { method: 'POST', headers, body: JSON.stringify({ simulate: AT_ONCE, ...body }) }
  const response = await app.request(path, init, { ...env, ALLOWED_EXTRAS }, context)
  await waitOnExecutionContext(context)
  return response
}

const HOSTED = [
  'web_search',
  'web_search_preview',
  'file_search',
  'code_interpreter',
  'image_generation',
  'mcp',
  'computer',
  'computer_use_preview',
  'shell',
  'tool_of_next_year',
]

const POST = { responses: respond, chat: complete }

describe('an extra', () => {
  it.each<[keyof typeof POST, Record<string, unknown>, string, string]>([
    ['chat', { service_tier: 'flex' }, 'service_tier', 'flex'],
    ['responses', { service_tier: 'priority' }, 'service_tier', 'priority'],
    ['chat', { web_search_options: {} }, 'web_search_options', 'web_search'],
    [
      'responses',
      { tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'web_search' }] }] },
      'tools[0].tools[0].type',
      'web_search',
    ],
    [
      'responses',
      { input: [{ type: 'additional_tools', role: 'developer', tools: [{ type: 'mcp' }] }] },
      'input[0].tools[0].type',
      'mcp',
    ],
  ])('is a 400 that names it, without a call: %s %j', expectRefusal)

  it.each(HOSTED)('is a 400 that names it, without a call: %s', (type) =>
    expectRefusal('responses', { tools: [{ type: 'function', name: 'f' }, { type }] }, 'tools[1].type', type),
  )

  async function expectRefusal(
    api: keyof typeof POST,
    body: Record<string, unknown>,
    param: string,
    name: string,
  ): Promise<void> {
    const tag = crypto.randomUUID()
    const response = await POST[api](secret, { ...body, simulate: { ...AT_ONCE, tag } })
    expect([response.status, await errorOf(response)]).toEqual([
      400,
      {
        message: expect.stringContaining(`allow '${name}'`),
        type: 'invalid_request_error',
        param,
        code: 'unsupported_value',
      },
    ])
    expect(await inputsOf(tag)).toBeUndefined()
  }

  it('that is allowed by name passes unchanged, and no other one does', async () => {
    const names = 'flex, web_search mcp'
    const simulate = { ...AT_ONCE, tag: 'allowed' }
    const tools = [
      { type: 'web_search', filters: {} },
      { type: 'mcp', server_label: 's', server_url: 'u' },
    ]
    const body = { input: 'Hi', service_tier: 'flex', tools, simulate, store: false }
    expect((await allowing(names, '/v1/responses', { model: 'o3-mini', ...body })).status).toBe(200)
    expect(await inputsOf('allowed')).toEqual(body)
    const chat = { ...HELLO, web_search_options: {} }
    expect((await allowing(names, '/v1/chat/completions', chat)).status).toBe(200)
    const other = await allowing(names, '/v1/chat/completions', { ...HELLO, service_tier: 'priority' })
    expect((await errorOf(other)).param).toBe('service_tier')
  })

  it('is neither the usual tier nor a tool that the caller runs', async () => {
    for (const service_tier of ['auto', 'default', null]) {
      expect((await complete(secret, { service_tier })).status).toBe(200)
    }
    const types = ['function', 'custom', 'namespace', 'local_shell', 'apply_patch']
    const tools = types.map((type) => ({ type, name: type }))
    expect((await respond(secret, { tools, tool_choice: 'none' })).status).toBe(200)
    const listed = { type: 'mcp_list_tools', id: 'm', server_label: 's', tools: [{ name: 'f' }] }
    expect((await respond(secret, { input: [listed, { role: 'user', content: 'Hi' }] })).status).toBe(200)
  })
})

describe('the worst case of a request', () => {
  /** A whole context of o3-mini costs 0.22 dollars, and this budget has less. */
  const budget = { usd: 0.2, period: 'day' }

  it('is a whole context for a hosted tool, since the vendor adds what the tool finds', async () => {
    const key = await issueKey({ limits: { budget } })
    // What cannot fit runs only while nothing else does.
    const simulate = { ...AT_ONCE, hang: 3 }
    const held = await respond(key.secret, { max_output_tokens: 10, stream: true, simulate })
    const body = { model: 'o3-mini', input: 'Hi', max_output_tokens: 1, tools: [{ type: 'web_search' }] }
    const refused = await allowing('web_search', '/v1/responses', body, key.secret)
    const plain = await allowing('web_search', '/v1/responses', { ...body, tools: [] }, key.secret)
    expect([refused.status, plain.status]).toEqual([429, 200])
    await leaveAll([held])
  })
})

describe('the price of a service tier', () => {
  const USAGE = { prompt_tokens: 1_000_000, completion_tokens: 0 }
  const INPUT_USAGE = { input_tokens: 1_000_000, output_tokens: 0 }
  /** A million prompt tokens of o3-mini. */
  const USUAL_USD = 1.1

  /** Sends a body under `ALLOWED_EXTRAS`, and reads all of the answer. */
  async function finished(extras: string, path: string, body: object, own: string): Promise<void> {
    const context = createExecutionContext()
    const headers = { authorization: `Bearer ${own}`, 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await app.request(path, init, { ...env, ALLOWED_EXTRAS: extras }, context)
    expect(response.status).toBe(200)
    await response.text()
    await waitOnExecutionContext(context)
  }

  async function costOf(extras: string, path: string, body: object): Promise<number> {
    const key = await issueKey({ limits: { tokensPerMinute: 10_000_000 } })
    const smallest = path.endsWith('completions') ? HELLO : { model: 'o3-mini', input: 'Hello!' }
    await finished(extras, path, { ...smallest, ...body }, key.secret)
    return (await usageAfter(key, 1)).total.costUsd
  }

  it.each([
    ['/v1/chat/completions', false],
    ['/v1/chat/completions', true],
    ['/v1/responses', false],
    ['/v1/responses', true],
  ])('is that of the tier which the answer names: %s, stream %j', async (path, stream) => {
    const extras = 'flex:0.5, priority:2 web_search'
    const simulate = { ...AT_ONCE, usage: path.endsWith('completions') ? USAGE : INPUT_USAGE }
    const asked = { stream, simulate, service_tier: 'priority' }
    expect(await costOf(extras, path, asked)).toBe(2 * USUAL_USD)
    const served = { ...asked, simulate: { ...simulate, serviceTier: 'default' } }
    expect(await costOf(extras, path, served)).toBe(USUAL_USD)
    expect(await costOf(extras, path, { ...asked, service_tier: 'flex' })).toBe(USUAL_USD / 2)
    expect(await costOf('priority', path, asked)).toBe(USUAL_USD)
  })

  it('holds for what is expected, and for what AI Gateway’s log tells', async () => {
    const key = await issueKey()
    const log = { entry: { tokens_in: 1_000_000, tokens_out: 0 } }
    const body = {
      ...HELLO,
      service_tier: 'priority',
      stream: true,
      simulate: { ...AT_ONCE, usage: null, log },
    }
    await finished('priority:2', '/v1/chat/completions', body, key.secret)
    expect((await usageAfter(key, 1)).total.pending).toBe(1)
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(key.id))
    vi.useFakeTimers({ now: Date.now() + 5_000, toFake: ['Date'], shouldAdvanceTime: true })
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(key.id))
    vi.useRealTimers()
    expect((await usageOf(key)).total).toMatchObject({ pending: 0, costUsd: 2 * USUAL_USD })
  })

  it('is a var that is checked', async () => {
    for (const extras of ['flex:', 'flex:-1', 'flex:101', 'flex:1:2', 'a;b']) {
      const response = await allowing(extras, '/v1/chat/completions', HELLO)
      expect([extras, response.status, (await errorOf(response)).code]).toEqual([
        extras,
        500,
        'misconfigured',
      ])
    }
    for (const extras of ['', ' , ', 'flex:0', 'flex:100,mcp', 'flex:0.25']) {
      expect([extras, (await allowing(extras, '/v1/chat/completions', HELLO)).status]).toEqual([extras, 200])
    }
  })
})
