/** Streams survive silence, failures and disconnects over the real class and real sockets, piped or metered. */
import { connect } from 'node:net'
import { readFileSync } from 'node:fs'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { useContractGateway } from '../support/node/contract-gateway.ts'
import { rawPost } from '../support/node/raw-client.ts'
import { recordBody } from '../support/node/record-body.ts'
import { pieces, streamAnswer } from '../support/node/upstream-answer.ts'

const STREAM = readFileSync(new URL('../support/fixtures/chat-completion-stream.sse', import.meta.url))
const EVENTS = STREAM.toString().split(/(?<=\n\n)/)
const ERROR_EVENT = /\n\ndata: \{"error":\{[^\n]*\}\}\n\n$/

describe.each([
  ['piped natively', 'never'],
  ['metered', 'always'],
])('a stream that is %s', (_way, METER_STREAMS) => {
  const contract = useContractGateway({ METER_STREAMS, STREAM_KEEPALIVE_SECONDS: '1' })
  const asked = { stream: true, stream_options: { include_usage: true } }

  it.each([1, 5, 100, 100_000])('arrives byte for byte in chunks of %i bytes', async (pieceBytes) => {
    const response = await contract.complete(streamAnswer(pieces(STREAM, pieceBytes)), asked)
    expect(await response.text()).toBe(STREAM.toString())
  })

  it.each(['reset', 'cut'] as const)(
    'and cut off (%s) by the upstream ends with one error event and no [DONE]',
    async (ending) => {
      for (const half of ['', 'data: {"id":"half']) {
        const response = await contract.complete(streamAnswer([...EVENTS.slice(0, 3), half], ending), asked)
        const text = await response.text()
        expect(text).toMatch(ERROR_EVENT)
        expect(text).not.toContain('[DONE]')
        expect(text.match(/"error":/g)).toHaveLength(1)
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
      yield* EVENTS.slice(0, 3)
    }
    const { body } = contract.prepare(streamAnswer(late(), 'reset'), { stream: true })
    const stream = await client.chat.completions.create(
      body as unknown as OpenAI.ChatCompletionCreateParamsStreaming,
    )
    const chunks: unknown[] = []
    const read = async (): Promise<void> => {
      for await (const chunk of stream) chunks.push(chunk)
    }
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError)
    expect(chunks.length).toBeGreaterThanOrEqual(2)
    expect(recording.text()).toMatch(/^: keep-alive\n\n/)
  })

  it('and reset by its client before the headers is logged as client_closed', async () => {
    const { tag, body } = contract.prepare({ instead: 'hang' }, { stream: true })
    const client = rawPost(`${contract.gateway.url}/v1/chat/completions`, contract.gateway.secret, body)
    const call = await contract.upstream.call(tag)
    const printed = contract.gateway.printed(/client_closed/)
    client.reset()
    expect((await call.ended).by).toBe('caller')
    await printed
  })

  it('and half-closed by its client during silence is cancelled by the next comments', async () => {
    const { tag, body } = contract.prepare(streamAnswer([], 'hang'), { stream: true })
    const { hostname, port } = new URL(contract.gateway.url)
    const text = JSON.stringify(body)
    const socket = connect({ host: hostname, port: Number(port) })
    socket.on('error', () => undefined)
    socket.end(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${contract.gateway.secret}\r\n` +
        `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    )
    const call = await contract.upstream.call(tag)
    socket.destroy()
    expect((await call.ended).by).toBe('caller')
  })
})

describe('a JSON request', () => {
  const contract = useContractGateway()

  it('reset by its client before the answer is logged as client_closed', async () => {
    const { tag, body } = contract.prepare({ instead: 'hang' })
    const client = rawPost(`${contract.gateway.url}/v1/chat/completions`, contract.gateway.secret, body)
    await contract.upstream.call(tag)
    const printed = contract.gateway.printed(/client_closed/)
    client.reset()
    expect(await printed).toContain('client_closed')
  })
})
