/** Every call carries AI Gateway's options: metadata for its analytics, and the operator's vars. */
import { describe, expect, it } from 'vitest'
import { RESPONSES, useContractGateway } from '../support/node/contract-gateway.ts'
import { jsonAnswer, streamAnswer } from '../support/node/upstream-answer.ts'

describe('a gateway with default vars', () => {
  const contract = useContractGateway()

  it('sends AI Gateway the key’s id and name, and returns the log id and cache status to the caller', async () => {
    const { id, secret } = await contract.gateway.issueKey({ name: 'alice' })
    for (const stream of [false, true]) {
      const { tag, body } = contract.prepare(stream ? streamAnswer('data: [DONE]\n\n') : jsonAnswer('{}'), {
        stream,
      })
      const response = await contract.post(body, { authorization: `Bearer ${secret}` })
      const { options } = await contract.upstream.call(tag)
      expect(options['gateway']).toEqual({
        id: 'default',
        metadata: { key_id: id, key_name: 'alice', request_id: response.headers.get('x-request-id') },
      })
      expect(response.headers.get('x-gateway-log-id')).toBe('01JLOGIDOFTHEUPSTREAM00000')
      expect(response.headers.get('cf-aig-cache-status')).toBe('MISS')
      await response.text()
    }
  })
})

describe('a request with tags, with USAGE_TAGS = team, project, stage', () => {
  const contract = useContractGateway({ USAGE_TAGS: 'team, project, stage' })

  /** What AI Gateway gets. The model gets metadata without tags only: a vendor’s chat completions refuse it, since nothing is stored. */
  async function metadataOf(metadata: unknown, stream = false) {
    const answer = stream ? streamAnswer('data: [DONE]\n\n') : jsonAnswer('{}')
    const { tag, body } = contract.prepare(answer, { metadata, stream })
    const response = await contract.post(body)
    expect(response.status).toBe(200)
    await response.text()
    const { options, inputs } = await contract.upstream.call(tag)
    const { metadata: sent } = options['gateway'] as { metadata: Record<string, string> }
    const { key_id: keyId, key_name: keyName, request_id: requestId, ...tags } = sent
    expect([keyId, requestId]).toEqual([expect.any(String), response.headers.get('x-request-id')])
    expect(Object.keys(sent).length).toBeLessThanOrEqual(5)
    const isTagged = Object.keys(tags).length > 0
    expect(inputs['metadata']).toEqual(isTagged ? undefined : metadata)
    expect(response.headers.get('x-gateway-dropped-parameters')).toBe(isTagged ? 'metadata' : null)
    return { keyName, tags }
  }

  it('sends them to AI Gateway, and the key’s name as long as five entries have place for it', async () => {
    const [team, project, stage, other] = ['search', 'x', 'test', 'y']
    expect(await metadataOf({ team, other })).toEqual({ keyName: 'test', tags: { team } })
    expect(await metadataOf({ team, project }, true)).toEqual({ keyName: 'test', tags: { team, project } })
    const all = { team, project, stage }
    expect(await metadataOf({ ...all, other })).toEqual({ keyName: undefined, tags: all })
    for (const none of [{ other }, {}, null])
      expect(await metadataOf(none)).toEqual({ keyName: 'test', tags: {} })
  })

  it('sends AI Gateway plain text, whatever the caller wrote', async () => {
    for (const [written, sent] of [
      ['zoë 表 👩‍💻', 'zoë 表 👩‍💻'],
      ['a\r\nx-injected: 1', 'ax-injected: 1'],
      ['"},"gateway":{"id":"other"', '"},"gateway":{"id":"other"'],
      ['\u0000\u202eabc\ud800', 'abc\ufffd'],
      ['x'.repeat(100_000), 'x'.repeat(64)],
    ])
      expect(await metadataOf({ team: written })).toEqual({ keyName: 'test', tags: { team: sent } })
  })
})

describe('a request with tags to the Responses API, with USAGE_TAGS = team', () => {
  const contract = useContractGateway({ USAGE_TAGS: 'team' }, RESPONSES)

  it('sends the model its metadata unchanged, since this API takes it', async () => {
    const metadata = { team: ' search\n', other: 'y' }
    const { tag, body } = contract.prepare(jsonAnswer('{}'), { metadata })
    const response = await contract.post(body)
    expect(response.headers.get('x-gateway-dropped-parameters')).toBeNull()
    const { options, inputs } = await contract.upstream.call(tag)
    expect(inputs['metadata']).toEqual(metadata)
    expect(options['gateway']).toMatchObject({ metadata: { team: 'search', key_name: 'test' } })
    await response.text()
  })
})

/** It leaves AI Gateway's log without prompts and answers: https://developers.cloudflare.com/ai-gateway/observability/logging/ */
const PAYLOAD_HEADER = 'cf-aig-collect-log-payload'

describe('a prompt', () => {
  const contract = useContractGateway()

  it('is kept out of AI Gateway’s log: every call has the header that leaves token counts only', async () => {
    const calls = Array.from({ length: 20 }, async (_, i) => {
      const stream = i % 2 === 1
      const { tag, body } = contract.prepare(stream ? streamAnswer('data: [DONE]\n\n') : jsonAnswer('{}'), {
        stream,
      })
      await (await contract.post(body)).text()
      return contract.upstream.call(tag)
    })
    for (const { headers, options } of await Promise.all(calls)) {
      expect(headers[PAYLOAD_HEADER]).toBe('false')
      expect(options).not.toHaveProperty('extraHeaders')
      expect(options['gateway']).not.toHaveProperty('collectLog')
    }
  })
})

describe('a prompt, with AI_GATEWAY_LOG_TEXTS = true,', () => {
  const contract = useContractGateway({ AI_GATEWAY_LOG_TEXTS: 'true' })

  it('is left to AI Gateway’s own setting: no call has the header', async () => {
    const { tag, body } = contract.prepare(jsonAnswer('{}'))
    await (await contract.post(body)).text()
    expect((await contract.upstream.call(tag)).headers).not.toHaveProperty(PAYLOAD_HEADER)
  })
})

describe('a gateway with all AI Gateway vars set', () => {
  const contract = useContractGateway({
    AI_GATEWAY_ID: 'team',
    AI_GATEWAY_COLLECT_LOG: 'false',
    AI_GATEWAY_CACHE_SECONDS: '60',
    AI_GATEWAY_ATTEMPTS: '3',
    AI_GATEWAY_RETRY_DELAY_MS: '250',
    AI_GATEWAY_BACKOFF: 'exponential',
    AI_GATEWAY_TIMEOUT_MS: '90000',
  })

  it('passes each var to AI Gateway', async () => {
    const { tag, body } = contract.prepare(jsonAnswer('{}'))
    await (await contract.post(body)).text()
    const { options } = await contract.upstream.call(tag)
    expect(options['gateway']).toMatchObject({
      id: 'team',
      collectLog: false,
      cacheTtl: 60,
      retries: { maxAttempts: 3, retryDelayMs: 250, backoff: 'exponential' },
      requestTimeoutMs: 90_000,
    })
  })
})

const REFUSED = { temperature: 0.5, top_p: 1, max_tokens: 77, parallel_tool_calls: true, logprobs: null }

describe('parameters unsupported by the model', () => {
  describe.each(['forward', undefined])('with UNSUPPORTED_PARAMETERS = %s', (policy) => {
    const contract = useContractGateway(policy === undefined ? {} : { UNSUPPORTED_PARAMETERS: policy })

    it('are forwarded unchanged', async () => {
      const { tag, body } = contract.prepare(jsonAnswer('{}'), REFUSED)
      const response = await contract.post(body)
      expect(response.headers.has('x-gateway-dropped-parameters')).toBe(false)
      expect((await contract.upstream.call(tag)).inputs).toMatchObject(REFUSED)
    })

    it('do not affect tool calls without content, which get the null that the catalog requires', async () => {
      const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }
      const messages = [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', tool_calls: [call] },
        { role: 'tool', tool_call_id: 'call_1', content: '5' },
      ]
      const { tag, body } = contract.prepare(jsonAnswer('{}'), { messages })
      await (await contract.post(body)).text()
      const { inputs } = await contract.upstream.call(tag)
      expect(inputs['messages']).toEqual([messages[0], { ...messages[1], content: null }, messages[2]])
    })
  })

  describe('with UNSUPPORTED_PARAMETERS = reject', () => {
    const contract = useContractGateway({ UNSUPPORTED_PARAMETERS: 'reject' })

    it.each([
      ['max_tokens', 5, " Use 'max_completion_tokens' instead."],
      ['temperature', 1, ''],
      ['logit_bias', {}, ''],
    ])('get OpenAI’s 400 without an upstream call: %s', async (param, value, hint) => {
      const calls = contract.upstream.calls.length
      const response = await contract.complete(jsonAnswer('{}'), { [param]: value })
      expect([response.status, await response.json()]).toEqual([
        400,
        {
          error: {
            message: `Unsupported parameter: '${param}' is not supported with this model.${hint}`,
            type: 'invalid_request_error',
            param,
            code: 'unsupported_parameter',
          },
        },
      ])
      expect(contract.upstream.calls.length).toBe(calls)
    })
  })

  describe('with UNSUPPORTED_PARAMETERS = drop', () => {
    const contract = useContractGateway({ UNSUPPORTED_PARAMETERS: 'drop' })

    it('are dropped and listed in a header, and max_tokens becomes max_completion_tokens', async () => {
      const { tag, body } = contract.prepare(jsonAnswer('{}'), REFUSED)
      const response = await contract.post(body)
      expect(response.headers.get('x-gateway-dropped-parameters')?.split(', ').toSorted()).toEqual([
        'max_tokens',
        'parallel_tool_calls',
        'temperature',
        'top_p',
      ])
      const { inputs } = await contract.upstream.call(tag)
      expect(inputs).toMatchObject({ max_completion_tokens: 77, logprobs: null })
      expect(Object.keys(inputs)).not.toContain('max_tokens')
      expect(Object.keys(inputs)).not.toContain('temperature')
    })
  })
})
