/** A model that does not take the caller's format serves the caller all the same, and errors speak of the caller's request. */
import { reset } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linesOf, recordLog } from '../support/console.ts'
import { AT_ONCE, env, errorOf, HELLO, type IssuedKey, issueKey } from '../support/gateway.ts'
import { isolate } from '../support/isolate.ts'
import { usageAfter } from '../support/usage.ts'

const FIGURES = { contextTokens: 200_000, usdPerMillionTokens: { input: 1, output: 1 } }
const MODELS = JSON.stringify({
  chat: { slug: 'openai/gpt-5.1-chat', ...FIGURES },
  responses: 'openai/gpt-5.6-luna',
  both: 'openai/gpt-6-luna',
})
const CHAT = '/v1/chat/completions'
const RESPONSES = '/v1/responses'
const WEATHER = { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } }

let key: IssuedKey
beforeEach(async () => {
  key = await issueKey()
})
afterEach(async () => {
  await reset()
})

function ask(path: string, model: string, overrides: Record<string, unknown> = {}): Promise<Response> {
  const smallest = path === CHAT ? { messages: HELLO.messages } : { input: 'Hello!' }
  const body = { ...smallest, model, simulate: AT_ONCE, ...overrides }
  return isolate(undefined, { MODELS })('POST', path, key.secret, body)
}

describe.each([
  ['chat completions', CHAT, 'responses'],
  ['Responses', RESPONSES, 'chat'],
])('%s over the other format', (_api, path, model) => {
  it('answers with the caller’s objects, as JSON and as a stream', async () => {
    const whole: { object: string } = await (await ask(path, model)).json()
    expect(whole.object).toBe(path === CHAT ? 'chat.completion' : 'response')
    const stream = await (await ask(path, model, { stream: true })).text()
    expect(stream).toMatch(path === CHAT ? /data: \[DONE\]\n\n$/ : /event: response\.completed\n.*\n\n$/)
  })

  it('fails with 502 where the answer is cut or no JSON, and is charged', async () => {
    expect((await ask(path, model, { simulate: { ...AT_ONCE, cut: 1 } })).status).toBe(502)
    const { total } = await usageAfter(key, 1)
    expect(total).toMatchObject({ failures: 1, pending: 1 })
  })

  it('reports a stream that ends without its last event, though nothing meters it', async () => {
    const log = recordLog()
    const simulate = { ...AT_ONCE, chunks: 20, end: 12 }
    const text = await (await ask(path, model, { stream: true, simulate })).text()
    expect(text).toMatch(/\n\n(event: error\n)?data: \{.*"upstream_error".*\n\n$/)
    expect(linesOf(log, 'request').at(-1)).toMatchObject({ outcome: 'upstream_failed' })
  })
})

describe('a call of a tool', () => {
  it.each(['responses', 'both'])('comes back as a chat has it from the model %s', async (model) => {
    const tools = [{ type: 'function', function: WEATHER }]
    const tag = crypto.randomUUID()
    const response = await ask(CHAT, model, { tools, simulate: { ...AT_ONCE, tag } })
    expect(await response.json()).toMatchObject({
      choices: [
        { finish_reason: 'tool_calls', message: { tool_calls: [{ function: { name: 'weather' } }] } },
      ],
    })
    const call = (await env.AI.calls()).find((made) => made.tag === tag)
    expect(call?.inputs).toMatchObject({
      input: expect.any(Array),
      tools: [{ name: 'weather' }],
      store: false,
    })
  })

  it('comes back as a response has it from a model that takes only chat', async () => {
    const response = await ask(RESPONSES, 'chat', { tools: [{ type: 'function', ...WEATHER }] })
    expect(await response.json()).toMatchObject({ output: [{ type: 'function_call', name: 'weather' }] })
  })
})

describe('an error', () => {
  it('of the upstream names the caller’s parameter', async () => {
    // The simulator's Responses format misses the name of a tool.
    const tools = [{ type: 'function', function: { parameters: {} } }]
    const response = await ask(CHAT, 'responses', { tools })
    expect([response.status, (await errorOf(response)).param]).toEqual([400, 'tools[0].function.name'])
  })

  it('of a parameter without a counterpart is a 400 of the gateway that names it', async () => {
    for (const [path, model, overrides, param] of [
      [CHAT, 'responses', { seed: 1 }, 'seed'],
      [CHAT, 'responses', { n: 2 }, 'n'],
      [CHAT, 'both', { tools: [{ type: 'function', function: WEATHER }], stop: 'x' }, 'stop'],
      [RESPONSES, 'chat', { truncation: 'auto' }, 'truncation'],
    ] as const) {
      const response = await ask(path, model, overrides)
      expect([response.status, await errorOf(response)]).toEqual([
        400,
        expect.objectContaining({ param, code: 'unsupported_parameter' }),
      ])
    }
    expect((await usageAfter(key, 0)).total.requests).toBe(0)
  })
})
