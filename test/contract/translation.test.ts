/** A translated stream and a fallback over the real class and sockets: what is cancelled, and what is seen as broken. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { useContractGateway } from '../support/node/contract-gateway.ts'
import { rawPost } from '../support/node/raw-client.ts'
import { type Answer, failure, jsonAnswer, pieces, streamAnswer } from '../support/node/upstream-answer.ts'
import type { Script, UpstreamCall } from '../support/node/upstream-server.ts'

const FIXTURES = new URL('../support/fixtures/', import.meta.url)
const RESPONSE = readFileSync(new URL('response-stream.sse', FIXTURES), 'utf8')
const CHAT = readFileSync(new URL('chat-completion-stream.sse', FIXTURES), 'utf8')
/** The response before its first output, and its first words. */
const BEGINNING = RESPONSE.split(/(?<=\n\n)/).slice(0, 8)
const FIRST = 'openai/o3-mini'

describe.each(['never', 'always'])('a translated stream, with METER_STREAMS = %s', (METER_STREAMS) => {
  const contract = useContractGateway({ METER_STREAMS, MODELS: '{"o3-mini":"openai/gpt-5.6-luna"}' })

  it.each([
    ['before its first byte', [], null],
    ['before its output', BEGINNING.slice(0, 2), null],
    ['in the middle', BEGINNING, /"content":" is"/],
  ])('is cancelled upstream when its client resets %s', async (_when, events, shown) => {
    const { tag, body } = contract.prepare(streamAnswer(events, 'hang'), { stream: true })
    const client = rawPost(`${contract.gateway.url}/v1/chat/completions`, contract.gateway.secret, body)
    const call = await contract.upstream.call(tag)
    if (shown !== null) await client.until(shown)
    client.reset()
    expect(await call.ended).toMatchObject({ by: 'caller' })
  })

  it('arrives whole however the upstream’s bytes are cut', async () => {
    const asked = { stream: true, stream_options: { include_usage: true } }
    const texts = []
    for (const bytes of [1, 100, 1_000_000]) {
      const answer = await contract.complete(streamAnswer(pieces(Buffer.from(RESPONSE), bytes)), asked)
      texts.push(await answer.text())
    }
    expect(texts[0]).toMatch(/"usage":\{.*\n\ndata: \[DONE\]\n\n$/)
    expect(new Set(texts).size).toBe(1)
  })

  it.each(['end', 'cut', 'reset'] as const)(
    'ends with an error where the upstream ends by %s',
    async (ending) => {
      const answer = await contract.complete(streamAnswer(BEGINNING, ending), { stream: true })
      const text = await answer.text()
      expect(text).toMatch(/\n\ndata: \{"error":\{.*"upstream_error"\}\}\n\n$/)
      expect(await contract.logLine(answer)).toMatchObject({ outcome: 'upstream_failed' })
    },
  )
})

describe('a fallback', () => {
  const MODELS = JSON.stringify({ 'o3-mini': { slug: FIRST, fallback: ['openai/gpt-6-luna'] } })
  const contract = useContractGateway({ MODELS, UPSTREAM_TIMEOUT_SECONDS: '2' })

  /** The first model answers so, and the other one with a stream. */
  const afterFirst =
    (first: Answer, seen: UpstreamCall[]): Script =>
    (call) => {
      seen.push(call)
      return call.slug === FIRST ? first : streamAnswer([CHAT])
    }

  it.each<[string, Answer]>([
    ['fails', failure.text(503, 'no')],
    ['cannot be reached', { instead: 'reset' }],
    ['breaks before its output', streamAnswer([CHAT.slice(0, 200)], 'cut')],
    ['is no stream', jsonAnswer('{}')],
  ])('answers where the first model %s, byte for byte', async (_how, first) => {
    const seen: UpstreamCall[] = []
    const options = { stream: true, stream_options: { include_usage: true } }
    const answer = await contract.complete(afterFirst(first, seen), options)
    expect(answer.headers.get('x-gateway-fallback')).toMatch(/^1;reason=\w+$/)
    expect(await answer.text()).toBe(CHAT)
    expect(seen).toHaveLength(2)
  })

  it('cancels a model that is too late, and the client’s leave cancels the one that is tried', async () => {
    const seen: UpstreamCall[] = []
    const options = { stream: true, stream_options: { include_usage: true } }
    const late = await contract.complete(afterFirst(streamAnswer([], 'hang'), seen), options)
    expect(await late.text()).toBe(CHAT)
    expect(await seen[0]?.ended).toMatchObject({ by: 'caller' })

    const { tag, body } = contract.prepare({ instead: 'hang' }, { stream: true })
    const client = rawPost(`${contract.gateway.url}/v1/chat/completions`, contract.gateway.secret, body)
    const call = await contract.upstream.call(tag)
    client.reset()
    expect(await call.ended).toMatchObject({ by: 'caller' })
    expect(contract.upstream.calls.filter(({ text }) => text.includes(tag))).toHaveLength(1)
  })

  it('that streams is cancelled upstream when its client resets', async () => {
    const event = 'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    const script: Script = ({ slug }) =>
      slug === FIRST ? failure.text(503, 'no') : streamAnswer([event], 'hang')
    const { tag, body } = contract.prepare(script, { stream: true })
    const client = rawPost(`${contract.gateway.url}/v1/chat/completions`, contract.gateway.secret, body)
    await client.until(/"Hi"/)
    const served = contract.upstream.calls.findLast(({ text }) => text.includes(tag))
    client.reset()
    expect(await served?.ended).toMatchObject({ by: 'caller' })
  })
})
