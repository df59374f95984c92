import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EVENT_CHARACTERS_MAX, ResponseMeter } from '../../../src/streams/response-meter.ts'
import fixture from '../../support/fixtures/response-stream.sse?raw'

const encoder = new TextEncoder()
const bytes = encoder.encode(fixture)
const events = fixture.split(/(?<=\n\n)/)
const usage = {
  promptTokens: 36,
  cachedTokens: 8,
  cacheWriteTokens: 0,
  completionTokens: 212,
  reasoningTokens: 192,
  serviceTier: 'default',
}

/** Passes a stream, cut at the given places, through a meter, which must return each chunk uncopied. */
function metered(stream: string | Uint8Array, cuts: readonly number[] = []) {
  const whole = typeof stream === 'string' ? encoder.encode(stream) : stream
  const meter = new ResponseMeter()
  const edges = [0, ...cuts.toSorted((a, b) => a - b), whole.length]
  for (let i = 1; i < edges.length; i++) {
    const chunk = whole.slice(edges[i - 1], edges[i])
    expect(meter.pass(chunk)[0]).toBe(chunk)
  }
  const { rest, isComplete } = meter.end()
  expect(rest).toHaveLength(0)
  return { isComplete, usage: meter.usage, events: meter.events }
}

const everyByte = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1)
const whole = { isComplete: true, usage, events: events.length }

describe('a metered response stream', () => {
  it('reports its usage, its events and its end, however it is cut', () => {
    expect(metered(bytes, everyByte)).toEqual(whole)
    const cuts = fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 40 })
    fc.assert(
      fc.property(cuts, (places) => {
        expect(metered(bytes, places)).toEqual(whole)
      }),
    )
  })

  it('is incomplete and without usage wherever it ends early', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 4 }), (length) => {
        const { isComplete, usage: early } = metered(bytes.slice(0, length), [Math.floor(length / 2)])
        expect([isComplete, early]).toEqual([false, null])
      }),
    )
  })

  it.each([
    ['CRLF', fixture.replaceAll('\n', '\r\n')],
    ['no line with the event’s name', fixture.replaceAll(/^event: .*\n/gm, '')],
    ['white space in its JSON', fixture.replaceAll('":', '" : ')],
    ['no space behind data:', fixture.replaceAll('data: ', 'data:')],
    ['no last empty line', fixture.trimEnd()],
    ['comments at its end', `${fixture}: bye\n\n`],
    ['[DONE], which some servers send', `${fixture}data: [DONE]\n\n`],
  ])('may have %s', (_name, stream) => {
    expect(metered(stream, [1, 100, 1000])).toEqual(whole)
  })

  it.each(['completed', 'incomplete', 'failed'])('may end as %s', (status) => {
    const event = { type: `response.${status}`, response: { usage: null } }
    const stream = `${events[0]}data: ${JSON.stringify(event)}\n\n`
    expect(metered(stream)).toEqual({ isComplete: true, usage: null, events: 2 })
  })

  it.each([
    'event: error\ndata: {"type":"error","code":"server_error","message":"m","param":null,"sequence_number":3}\n\n',
    'data: {"error":{"message":"m","type":"server_error","param":null,"code":null}}\n\n',
  ])('that ends with the upstream’s own error event is complete: %s', (error) => {
    expect(metered((events[0] ?? '') + error).isComplete).toBe(true)
  })

  it('ignores a tool and content that look like a usage or an end', () => {
    // The fixture’s tool has a parameter `usage` that contains numbers.
    expect(fixture).toContain('"usage":{"input_tokens":1,')
    const text = '"type":"response.completed","response":{"usage":{"input_tokens":1,"output_tokens":1}}'
    const delta = { type: 'response.output_text.delta', delta: text, item: { type: 'response.completed' } }
    const stream = `${events[0]}data: ${JSON.stringify(delta)}\n\n`
    expect(metered(stream)).toEqual({ isComplete: false, usage: null, events: 2 })
  })

  it('reports the usage of a long last event, and of a last event after an oversized event', () => {
    const long = fixture.replaceAll('Be brief.', 'Be brief. '.repeat(20_000))
    const places = Array.from({ length: 100 }, (_, i) => (i + 1) * 4096)
    expect(metered(long, places)).toEqual(whole)
    const huge = fixture.replace('Be brief.', 'x'.repeat(EVENT_CHARACTERS_MAX * 2))
    expect(metered(huge, places)).toMatchObject({ isComplete: true, usage })
  })

  it('finds type and usage of an oversized last event in its head and tail, however it is cut', () => {
    const last = events.findIndex((event) => event.includes('"type":"response.completed"'))
    const huge = events.with(last, (events[last] ?? '').replace('Be brief.', 'x'.repeat(1_200_000))).join('')
    expect(huge.length).toBeGreaterThan(EVENT_CHARACTERS_MAX)
    // Texts of the caller stand beside the tier in the tail, so it is not looked for there.
    const { serviceTier: _, ...usageInTail } = usage
    const seen = { ...whole, usage: usageInTail }
    for (const bytesEach of [1_000, 4_096, 300_000]) {
      const places = Array.from(
        { length: Math.floor(huge.length / bytesEach) },
        (_, i) => (i + 1) * bytesEach,
      )
      expect(metered(huge, places)).toEqual(seen)
      expect(metered(huge.replaceAll('":', '" : '), places)).toEqual(seen)
    }
    expect(metered(huge.slice(0, -200), [4096])).toMatchObject({ isComplete: false })
  })

  it('with an oversized event of another type at its end is incomplete and without usage', () => {
    const huge = (events[0] ?? '').replace('Be brief.', 'x'.repeat(EVENT_CHARACTERS_MAX * 2))
    const places = Array.from({ length: 100 }, (_, i) => (i + 1) * 4096)
    expect(metered(huge, places)).toMatchObject({ isComplete: false, usage: null })
  })
})
