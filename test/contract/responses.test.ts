/** The Responses API works over the real class and real sockets: its calls, its bytes and its failures. */
import { readFileSync } from 'node:fs'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { RESPONSES, useContractGateway } from '../support/node/contract-gateway.ts'
import { recordBody } from '../support/node/record-body.ts'
import { jsonAnswer, pieces, streamAnswer } from '../support/node/upstream-answer.ts'

const STREAM = fixture('response-stream.sse')
const JSON_BYTES = fixture('response.json')
const EVENTS = STREAM.toString().split(/(?<=\n\n)/)
const ERROR_EVENT = /\n\nevent: error\ndata: \{"message":[^\n]*"error":\{[^\n]*\}\}\n\n$/

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../support/fixtures/${name}`, import.meta.url))
}

describe('a JSON response', () => {
  const contract = useContractGateway({}, RESPONSES)

  it('arrives byte for byte, and the upstream gets the caller’s body without `model`', async () => {
    const { tag, body } = contract.prepare(jsonAnswer(JSON_BYTES), { store: false, unknown: [{ a: 1 }] })
    const response = await contract.post(body)
    expect(Buffer.from(await response.arrayBuffer()).equals(JSON_BYTES)).toBe(true)
    const call = await contract.upstream.call(tag)
    expect(call.slug).toBe('openai/o3-mini')
    expect(call.inputs).toEqual({ input: 'Hello!', user: tag, store: false, unknown: [{ a: 1 }] })
  })

  it('settles a token limit from its usage', async () => {
    const { secret } = await contract.gateway.issueKey({ limits: { tokensPerMinute: 10_000 } })
    const remaining = async (answer: ReturnType<typeof jsonAnswer>, stream: boolean) => {
      const { body } = contract.prepare(answer, { stream, max_output_tokens: 100 })
      const response = await contract.post(body, { authorization: `Bearer ${secret}` })
      await response.text()
      // The log line is written after settlement.
      await contract.logLine(response)
      return Number(response.headers.get('x-ratelimit-remaining-tokens'))
    }
    // Each request reserves 5 prompt and 100 output tokens. Its reported usage is 36 and 212.
    expect(await remaining(jsonAnswer(JSON_BYTES), false)).toBe(10_000 - 105)
    expect(await remaining(streamAnswer(pieces(STREAM, 1)), true)).toBe(10_000 - 248 - 105)
    expect(await remaining(jsonAnswer(JSON_BYTES), false)).toBe(10_000 - 2 * 248 - 105)
  })

  it('that fails upstream arrives as the vendor’s envelope', async () => {
    const error = { message: 'm', type: 'invalid_request_error', param: 'input[0]', code: 'invalid_value' }
    const response = await contract.complete(jsonAnswer(JSON.stringify({ error }), 400))
    expect([response.status, await response.json()]).toEqual([400, { error }])
  })
})

describe.each([
  ['piped natively', 'never'],
  ['metered', 'always'],
])('a stream that is %s', (_way, METER_STREAMS) => {
  const contract = useContractGateway({ METER_STREAMS, STREAM_KEEPALIVE_SECONDS: '1' }, RESPONSES)
  const stream = true

  it.each([1, 2, 7, 100, 1000, 100_000])('arrives byte for byte in chunks of %i bytes', async (bytes) => {
    const { tag, body } = contract.prepare(streamAnswer(pieces(STREAM, bytes)), { stream })
    const response = await contract.post(body)
    expect(await response.text()).toBe(STREAM.toString())
    expect(await contract.logLine(response)).toMatchObject({ outcome: 'completed' })
    // The API reports usage without being asked.
    const inputs = { input: 'Hello!', user: tag, stream, store: false }
    expect((await contract.upstream.call(tag)).inputs).toEqual(inputs)
  })

  it.each(['reset', 'cut'] as const)(
    'and cut off (%s) by the upstream ends with one error event',
    async (ending) => {
      for (const half of ['', 'event: response.output_text.delta\ndata: {"type":"resp']) {
        const response = await contract.complete(streamAnswer([...EVENTS.slice(0, 8), half], ending), {
          stream,
        })
        const text = await response.text()
        expect(text).toMatch(ERROR_EVENT)
        expect(text.match(/event: error/g)).toHaveLength(1)
        expect(await contract.logLine(response)).toMatchObject({ outcome: 'upstream_failed' })
      }
    },
  )

  it('and cut off is an error for the SDK, which ignores the keep-alive comments', async () => {
    const { gateway } = contract
    const recording = recordBody()
    const client = new OpenAI({
      apiKey: gateway.secret,
      baseURL: `${gateway.url}/v1`,
      maxRetries: 0,
      fetch: recording.fetch,
    })
    async function* late() {
      await new Promise((resolve) => setTimeout(resolve, 1300))
      yield* EVENTS.slice(0, 8)
    }
    const { body } = contract.prepare(streamAnswer(late(), 'reset'))
    const params = body as OpenAI.Responses.ResponseCreateParamsNonStreaming
    const types: string[] = []
    const read = async (): Promise<void> => {
      for await (const { type } of await client.responses.create({ ...params, stream })) types.push(type)
    }
    await expect(read()).rejects.toMatchObject({ code: 'upstream_error', type: 'server_error' })
    expect(types[0]).toBe('response.created')
    expect(recording.text()).toMatch(/^: keep-alive\n\n/)
  })

  it('gives the SDK’s stream helper the whole response', async () => {
    const { gateway } = contract
    const client = new OpenAI({ apiKey: gateway.secret, baseURL: `${gateway.url}/v1`, maxRetries: 0 })
    const { body } = contract.prepare(streamAnswer(pieces(STREAM, 5)))
    const params = body as OpenAI.Responses.ResponseCreateParamsNonStreaming
    const response = await client.responses.stream({ ...params, stream }).finalResponse()
    expect(response).toMatchObject(JSON.parse(JSON_BYTES.toString()))
  })
})

describe('a metered stream', () => {
  const contract = useContractGateway({ METER_STREAMS: 'always' }, RESPONSES)

  it('ends with an error event when its last event is missing', async () => {
    for (const end of [1, 8, EVENTS.length - 1]) {
      const response = await contract.complete(streamAnswer(EVENTS.slice(0, end)), { stream: true })
      const text = await response.text()
      expect(text).toMatch(ERROR_EVENT)
      expect(text).toContain(`"sequence_number":${end},"error":`)
    }
  })

  it.each(['response.incomplete', 'response.failed', 'error'])('may end with %s', async (type) => {
    const last = `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: 2, response: {} })}\n\n`
    const response = await contract.complete(streamAnswer([...EVENTS.slice(0, 2), last]), { stream: true })
    expect((await response.text()).endsWith(last)).toBe(true)
    expect(await contract.logLine(response)).toMatchObject({ outcome: 'completed' })
  })
})
