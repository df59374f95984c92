/** The upstream call carries the caller's body and the operator's options, and nothing of the caller's identity. */
import { describe, expect, it } from 'vitest'
import { MESSAGES, useContractGateway } from '../support/node/contract-gateway.ts'
import { jsonAnswer, streamAnswer } from '../support/node/upstream-answer.ts'
import { SEED_EXAMPLES } from '../support/seed-examples.ts'

const MODELS = '{"fast":"openai/gpt-5-mini"}'
const contract = useContractGateway({ AI_GATEWAY_ID: 'team-gateway', MODELS })

/** Makes a call, and returns the body sent and the call received by the upstream. */
async function upstreamSaw(overrides: Record<string, unknown>, headers: Record<string, string> = {}) {
  const answer = overrides['stream'] === true ? streamAnswer('data: [DONE]\n\n') : jsonAnswer('{}')
  const { tag, body } = contract.prepare(answer, overrides)
  const response = await contract.post(body, headers)
  expect(response.status).toBe(200)
  await response.text()
  return { body, call: await contract.upstream.call(tag) }
}

describe('a call', () => {
  it.each([
    ['o3-mini', 'openai/o3-mini'],
    ['o3-mini-2025-01-31', 'openai/o3-mini'],
    ['openai/o3-mini', 'openai/o3-mini'],
    ['fast', 'openai/gpt-5-mini'],
  ])('for %s goes through AI Gateway with the slug %s', async (model, slug) => {
    const { call } = await upstreamSaw({ model })
    expect(call.path).toBe('/ai-gateway/run?version=3')
    expect(call.slug).toBe(slug)
  })

  it('carries the caller’s body without `model`, in its original order and nesting', async () => {
    const { body, call } = await upstreamSaw({
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Zoë 🦊\u2028' }], unknown_field: [null, {}] },
      ],
      z_first: 1,
      a_second: { deeply: { nested: [1, 2.5, 1e21] } },
      store: false,
    })
    const { model: _model, ...inputs } = body
    expect(JSON.stringify(call.inputs)).toBe(JSON.stringify(inputs))
  })

  it.each(Object.entries(SEED_EXAMPLES))(
    'carries the page’s example unchanged, with `store: false`: %s',
    async (_name, example) => {
      const { call } = await upstreamSaw(example)
      expect(call.inputs).toEqual({ ...example, user: call.tag, store: false })
    },
  )

  it('names the operator’s gateway, and asks for the raw response', async () => {
    for (const stream of [false, true]) {
      const { call } = await upstreamSaw({ stream })
      expect(call.options).toMatchObject({ returnRawResponse: true, gateway: { id: 'team-gateway' } })
    }
  })

  it('has none of the caller’s headers, and no secret anywhere', async () => {
    const secretHeaders = {
      cookie: 'session=canary-cookie',
      'openai-organization': 'org-canary',
      'openai-project': 'canary-project',
      'x-forwarded-for': '203.0.113.7',
      'cf-connecting-ip': '203.0.113.8',
      'user-agent': 'canary-agent/1.0',
      'idempotency-key': 'canary-idempotency',
      'x-api-key': 'canary-key',
      'cf-aig-authorization': 'Bearer canary-token',
      'cf-aig-metadata': '{"canary":1}',
      'cf-aig-cache-ttl': '3600',
      'cf-aig-collect-log-payload': 'true',
      'cf-consn-model-id': 'openai/canary',
    }
    const { call } = await upstreamSaw({}, secretHeaders)
    expect(Object.keys(call.headers).toSorted()).toEqual([
      'cf-aig-collect-log-payload',
      'cf-consn-model-id',
      'cf-consn-sdk-version',
      'content-length',
      'content-type',
      'host',
    ])
    expect(call.headers['cf-aig-collect-log-payload']).toBe('false')
    const wire = JSON.stringify(call.headers) + call.text
    for (const secret of [
      contract.gateway.secret,
      contract.gateway.secret.slice(-32),
      'canary',
      '203.0.113',
    ]) {
      expect(wire).not.toContain(secret)
    }
  })

  it('of a megabyte arrives whole', async () => {
    const content = 'ü'.repeat(500_000)
    const { call } = await upstreamSaw({ messages: [...MESSAGES, { role: 'user', content }] })
    expect(call.inputs['messages']).toEqual([...MESSAGES, { role: 'user', content }])
  })

  it('is made once, even when it fails', async () => {
    const { tag, body } = contract.prepare({ instead: 'reset' })
    expect((await contract.post(body)).status).toBe(502)
    expect(contract.upstream.calls.filter((call) => call.tag === tag)).toHaveLength(1)
  })
})

describe('a request that the gateway refuses', () => {
  it('never reaches the upstream', async () => {
    const before = contract.upstream.calls.length
    const answers = await Promise.all([
      contract.post({ model: 'o3-mini', messages: [] }),
      contract.post({ model: 'gpt-99', messages: MESSAGES }),
      contract.post({ model: 'o3-mini', messages: MESSAGES }, { authorization: 'Bearer sk-wrong' }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([400, 404, 401])
    expect(contract.upstream.calls).toHaveLength(before)
  })
})
