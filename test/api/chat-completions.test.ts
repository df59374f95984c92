/** `POST /v1/chat/completions` forwards the caller's body, and returns the upstream's. */
import { reset } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import vendorSchema from '../support/fixtures/openai-chat.schema.json'
import { AT_ONCE, complete, env, HELLO, issueKey, send } from '../support/gateway.ts'
import { SEED_ANSWERS, SEED_EXAMPLES } from '../support/seed-examples.ts'
import { SLUG, takes } from '../support/upstream-kind.ts'

let secret: string
beforeEach(async () => {
  ;({ secret } = await issueKey())
})
afterEach(async () => {
  await reset()
})

/** Returns the simulator's record of the call that carried `tag`. */
async function callOf(tag: string) {
  const found = (await env.AI.calls()).find(
    ({ inputs }) => (inputs['simulate'] as { tag?: string })?.tag === tag,
  )
  if (found === undefined) throw new Error(`the simulator has no call tagged ${tag}`)
  return found
}

describe('the five examples on the model’s page', () => {
  it.each(Object.entries(SEED_EXAMPLES))('work unchanged: %s', async (name, example) => {
    const response = await complete(secret, { ...example })
    expect(response.status).toBe(200)
    const text = await response.text()
    if (example['stream'] === true) {
      const events = text.trimEnd().split('\n\n')
      expect(events.at(-1)).toBe('data: [DONE]')
      const chunks = events
        .slice(0, -1)
        .map((event) => JSON.parse(event.slice('data: '.length)) as StreamChunk)
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) } })
      expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toMatch(
        SEED_ANSWERS[name] ?? /^$/,
      )
    } else {
      const answer = JSON.parse(text) as { object: string; choices: { message: { content: string } }[] }
      expect(answer.object).toBe('chat.completion')
      expect(answer.choices[0]?.message.content).toMatch(SEED_ANSWERS[name] ?? /^$/)
    }
  })
})

interface StreamChunk {
  choices: { delta: { content?: string } }[]
}

describe('the upstream call', () => {
  it.runIf(takes('chat'))(
    'carries the caller’s body without `model`, including unknown fields at any depth',
    async () => {
      const body = {
        ...HELLO,
        messages: [
          {
            role: 'user',
            content: [{ type: 'text', text: 'Hi', cache_control: { x: 1 } }],
            unknown_field: [null, { a: 1 }],
          },
        ],
        seed: 42,
        metadata: { team: 'blue' },
        verbosity: 'low',
        something_new: { deeply: { nested: [1, 2, 3] } },
        simulate: { ...AT_ONCE, tag: 'own-body' },
      }
      await (await send('POST', '/v1/chat/completions', secret, body)).text()
      const { model: _model, ...inputs } = body
      const seen = await callOf('own-body')
      expect(seen.inputs).toEqual({ ...inputs, store: false })
      expect(seen.model).toBe(SLUG)
    },
  )

  it.each(['o3-mini', 'o3-mini-2025-01-31', 'openai/o3-mini'])(
    'goes to the slug of o3-mini for the model %s',
    async (model) => {
      const tag = `model-${model}`
      await (await complete(secret, { model, simulate: { ...AT_ONCE, tag } })).text()
      expect((await callOf(tag)).model).toBe(SLUG)
    },
  )

  it('carries the gateway’s id, asks for the raw response, and contains nothing of the caller’s secret', async () => {
    await (await complete(secret, { simulate: { ...AT_ONCE, tag: 'options' } })).text()
    const seen = await callOf('options')
    expect(seen.options).toMatchObject({ returnRawResponse: true, gateway: { id: 'default' } })
    expect(JSON.stringify(seen)).not.toContain(secret)
  })

  it.each(vendorSchema.examples)('accepts the vendor’s example: $title', async ({ body }) => {
    expect((await complete(secret, { ...body, model: 'o3-mini' })).status).toBe(200)
  })
})

describe('the response', () => {
  it.runIf(takes('chat'))('is the upstream’s body unchanged, without its private headers', async () => {
    const inputs = {
      messages: HELLO.messages,
      simulate: { ...AT_ONCE, headers: { 'x-secret-of-upstream': '1' } },
    }
    const response = await send('POST', '/v1/chat/completions', secret, { model: 'o3-mini', ...inputs })
    const direct = await runDirectly(SLUG, { ...inputs, store: false })
    expect(await response.text()).toBe(await direct.text())
    expect([...response.headers.keys()].toSorted()).toEqual([
      'cf-aig-cache-status',
      'content-type',
      'x-content-type-options',
      'x-gateway-log-id',
      'x-request-id',
    ])
    expect(response.headers.get('content-type')).toBe('application/json')
  })

  it.runIf(takes('chat'))(
    'is the upstream’s stream byte for byte, with headers that prevent buffering',
    async () => {
      const inputs = { messages: HELLO.messages, stream: true, simulate: { ...AT_ONCE, chunks: 50 } }
      const response = await send('POST', '/v1/chat/completions', secret, { model: 'o3-mini', ...inputs })
      const direct = await runDirectly(SLUG, { ...inputs, store: false })
      expect(await response.text()).toBe(await direct.text())
      expect(Object.fromEntries(response.headers)).toEqual({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'content-encoding': 'identity',
        'x-accel-buffering': 'no',
        'cf-aig-cache-status': 'MISS',
        'x-content-type-options': 'nosniff',
        'x-gateway-log-id': expect.any(String),
        'x-request-id': expect.stringMatching(/^req_[0-9A-Za-z]{32}$/),
      })
    },
  )

  it('starts before the upstream has finished', async () => {
    const response = await complete(secret, { stream: true, simulate: { ...AT_ONCE, chunks: 20, hang: 10 } })
    const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader()
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value)).toMatch(/^data: \{/)
    await reader.cancel()
  })

  it('can call the caller’s tool', async () => {
    const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
    const tools = [{ type: 'function', function: { name: 'weather', parameters } }]
    const response = await complete(secret, { tools })
    const answer: {
      choices: { finish_reason: string; message: { tool_calls: { function: { arguments: string } }[] } }[]
    } = await response.json()
    expect(answer.choices[0]?.finish_reason).toBe('tool_calls')
    expect(JSON.parse(answer.choices[0]?.message.tool_calls[0]?.function.arguments ?? '')).toEqual({
      city: expect.any(String),
    })
  })
})

/** Calls the upstream without the gateway. */
async function runDirectly(slug: string, inputs: Record<string, unknown>): Promise<Response> {
  const options = {
    returnRawResponse: true as const,
    gateway: { id: 'default' },
    signal: new AbortController().signal,
  }
  const answer = await env.AI.run(slug, inputs, options)
  if (!(answer instanceof Response)) throw new Error('the simulator returned no response')
  return answer
}
