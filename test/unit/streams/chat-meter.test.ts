import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EVENT_BYTES_MAX, ChatMeter } from '../../../src/streams/chat-meter.ts'
import recorded from '../../support/fixtures/chat-completion-stream.sse?raw'

const encoder = new TextEncoder()
// Not fatal, because a stream may end in the middle of a character.
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
const fixture = recorded.endsWith('\n\n') ? recorded : `${recorded.trimEnd()}\n\n`
const bytes = encoder.encode(fixture)
const usageEvent = fixture.split(/(?<=\n\n)/).find((event) => event.includes('"usage":{')) ?? ''
const withoutUsage = fixture.replace(usageEvent, '')
const usage = {
  promptTokens: 16,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  completionTokens: 640,
  reasoningTokens: 256,
  serviceTier: 'default',
}

/** Passes a stream, cut at the given places, through a meter. */
function metered(stream: Uint8Array, cuts: readonly number[], leaveOutUsage: boolean) {
  const meter = new ChatMeter({ leaveOutUsage })
  const edges = [0, ...cuts.toSorted((a, b) => a - b), stream.length]
  const out: Uint8Array[] = []
  for (let i = 1; i < edges.length; i++) out.push(...meter.pass(stream.slice(edges[i - 1], edges[i])))
  const { rest, isComplete } = meter.end()
  out.push(rest)
  return { text: decoder.decode(join(out)), pieces: out, isComplete, meter }
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

const everyByte = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1)
const cuts = fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 40 })

describe('a metered chat stream', () => {
  it('arrives byte for byte, however it is cut', () => {
    expect(metered(bytes, everyByte, false)).toMatchObject({
      text: fixture,
      isComplete: true,
      meter: { usage },
    })
    fc.assert(
      fc.property(cuts, (places) => {
        expect(metered(bytes, places, false)).toMatchObject({
          text: fixture,
          isComplete: true,
          meter: { usage, events: 6 },
        })
      }),
    )
  })

  it('omits only the usage event that the caller did not request, however it is cut', () => {
    expect(metered(bytes, everyByte, true)).toMatchObject({
      text: withoutUsage,
      isComplete: true,
      meter: { usage },
    })
    fc.assert(
      fc.property(cuts, (places) => {
        expect(metered(bytes, places, true)).toMatchObject({
          text: withoutUsage,
          isComplete: true,
          meter: { usage },
        })
      }),
    )
  })

  it('passes a chunk of whole events on without copying', () => {
    const chunk = encoder.encode(fixture.split(/(?<=\n\n)/)[0])
    expect(new ChatMeter({ leaveOutUsage: false }).pass(chunk)[0]).toBe(chunk)
    expect(new ChatMeter({ leaveOutUsage: true }).pass(chunk)[0]?.buffer).toBe(chunk.buffer)
  })

  it('is incomplete wherever it ends early, and sends no partial event when the usage is omitted', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: bytes.length - 16 }), fc.boolean(), (length, leaveOut) => {
        const { text, isComplete } = metered(bytes.slice(0, length), [Math.floor(length / 2)], leaveOut)
        expect(isComplete).toBe(false)
        if (leaveOut) expect(text === '' || text.endsWith('\n\n')).toBe(true)
      }),
    )
  })

  it('is complete without the last empty line, or with CRLF', () => {
    expect(metered(encoder.encode(fixture.trimEnd()), [], true)).toMatchObject({
      text: withoutUsage.trimEnd(),
      isComplete: true,
    })
    const crlf = encoder.encode(fixture.replaceAll('\n', '\r\n'))
    expect(metered(crlf, [7, 99, 1000], true)).toMatchObject({
      text: withoutUsage.replaceAll('\n', '\r\n'),
      isComplete: true,
      meter: { usage },
    })
  })

  it('has as many events with CRLF as with LF, wherever its chunks are cut', () => {
    const whole = metered(bytes, [], false).meter.events
    expect(whole).toBe(fixture.trimEnd().split('\n\n').length)
    const crlf = encoder.encode(fixture.replaceAll('\n', '\r\n'))
    for (let cut = 1; cut < crlf.length; cut++) expect(metered(crlf, [cut], false).meter.events).toBe(whole)
  })

  it('that ends with the upstream’s own error event is complete', () => {
    const error = 'data: {"error":{"message":"m","type":"server_error","param":null,"code":null}}\n\n'
    expect(metered(encoder.encode(error), [], false).isComplete).toBe(true)
  })

  it('ignores content that looks like a usage or an end', () => {
    const content = JSON.stringify({
      choices: [{ delta: { content: '"usage":{"prompt_tokens":1} data: [DONE]' } }],
    })
    const stream = `data: ${content}\n\n`
    expect(metered(encoder.encode(stream), [], true)).toMatchObject({
      text: stream,
      isComplete: false,
      meter: { usage: null },
    })
  })

  it.each([
    ['content', { index: 0, delta: { content: 'Hi' }, finish_reason: null }],
    ['a finish reason', { index: 0, delta: {}, finish_reason: 'stop' }],
  ])(
    'keeps a usage that stands beside choices with %s, and counts it, wherever it is cut',
    (_name, choice) => {
      const event = { choices: [choice], usage: { prompt_tokens: 3, completion_tokens: 4 } }
      const stream = `data: ${JSON.stringify(event)}\n\ndata: [DONE]\n\n`
      for (let cut = 0; cut < stream.length; cut++) {
        expect(metered(encoder.encode(stream), [cut], true)).toMatchObject({
          text: stream,
          meter: { usage: { promptTokens: 3, completionTokens: 4 } },
        })
      }
    },
  )

  it.each(['"usage": {', '"usage" :\t{'])('finds a usage written as %j, and leaves it out', (start) => {
    const spaced = fixture.replace('"usage":{', start)
    for (const cuts of [[], [7, 99, 1000]]) {
      const { text, meter } = metered(encoder.encode(spaced), cuts, true)
      expect([text, meter.usage]).toEqual([withoutUsage, usage])
    }
  })

  describe('with an oversized event', () => {
    const long = `data: {"choices":[{"delta":{"content":"${'x'.repeat(EVENT_BYTES_MAX * 3)}"}}]}\n\n`
    const places = Array.from({ length: 20 }, (_, i) => (i + 1) * 10_000)

    it('passes the event on as it comes, and meters what follows as usual', () => {
      const whole = encoder.encode(long + fixture)
      for (const leaveOut of [false, true]) {
        const { text, isComplete, pieces, meter } = metered(whole, places, leaveOut)
        expect(text).toBe(long + (leaveOut ? withoutUsage : fixture))
        expect([isComplete, meter.usage]).toEqual([true, usage])
        expect(meter.events).toBe(1 + fixture.trimEnd().split('\n\n').length)
        expect(Math.max(...pieces.slice(0, 10).map(({ length }) => length))).toBeLessThan(2 * EVENT_BYTES_MAX)
      }
    })

    it('meters what follows the same way wherever the event’s end is cut, with LF and with CRLF', () => {
      for (const stream of [long + fixture, (long + fixture).replaceAll('\n', '\r\n')]) {
        const whole = encoder.encode(stream)
        const end = stream.indexOf('}]}') + 3
        const expected = metered(whole, places, true)
        for (let cut = end - 3; cut < end + 40; cut++) {
          const { text, isComplete, meter } = metered(whole, [EVENT_BYTES_MAX * 2, cut], true)
          expect([text, isComplete, meter.usage]).toEqual([expected.text, true, usage])
        }
      }
    })

    it('finds the usage in the event’s tail', () => {
      const tail =
        '"usage": {"prompt_tokens":3,"completion_tokens":4,"completion_tokens_details":{"reasoning_tokens":2}}}'
      const stream = `${long.replace(/\}\n\n$/, '')},${tail}\n\ndata: [DONE]\n\n`
      const { text, meter } = metered(encoder.encode(stream), places, true)
      expect(text).toBe(stream)
      expect(meter.usage).toEqual({
        promptTokens: 3,
        cachedTokens: 0,
        cacheWriteTokens: 0,
        completionTokens: 4,
        reasoningTokens: 2,
      })
    })

    it('is incomplete if it ends within the event', () => {
      const { isComplete } = metered(encoder.encode(long.slice(0, -10)), places, true)
      expect(isComplete).toBe(false)
    })
  })
})
