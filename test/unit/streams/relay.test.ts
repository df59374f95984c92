/** The relay of a stream, with the clock in the test's hand. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { chatCompletions } from '../../../src/apis/chat-completions.ts'
import { responses } from '../../../src/apis/responses.ts'
import { ChatMeter } from '../../../src/streams/chat-meter.ts'
import type { Meter } from '../../../src/streams/meter.ts'
import { relay } from '../../../src/streams/relay.ts'
import { ResponseMeter } from '../../../src/streams/response-meter.ts'
import { Deadline } from '../../../src/timeout.ts'
import type { AcceptedResult } from '../../../src/upstream/call.ts'
import { Cancellation } from '../../../src/upstream/cancellation.ts'
import chatStream from '../../support/fixtures/chat-completion-stream.sse?raw'
import responseStream from '../../support/fixtures/response-stream.sse?raw'

const COMMENT = ': keep-alive\n\n'
const KEEP_ALIVE_MS = 15_000
const IDLE_MS = 40_000
const TIMEOUT_MS = 100_000
const TIMES = { timeoutMs: TIMEOUT_MS, idleMs: IDLE_MS }
/** As long as a timer can be, and longer than any test's pauses. */
const UNTIMED = { timeoutMs: 2 ** 31 - 1, idleMs: 2 ** 31 - 1 }

const encoder = new TextEncoder()

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A relayed stream: the test is the upstream, the clock and the client. */
function startRelay(
  api: typeof chatCompletions | typeof responses,
  meter: Meter | null,
  { timeoutMs, idleMs } = TIMES,
) {
  const { readable, writable: upstream } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = upstream.getWriter()
  const cancellation = new Cancellation(new AbortController().signal, timeoutMs)
  const received: number[] = []
  const result: AcceptedResult = {
    accepted: true,
    response: new Response(readable) as Response & { body: ReadableStream<Uint8Array> },
  }
  const pipe = vi.spyOn(result.response.body, 'pipeTo')
  const ended = relay({
    upstream: Promise.resolve(result),
    writable: new WritableStream({ write: (chunk) => void received.push(...chunk) }),
    cancellation,
    keepAliveMs: KEEP_ALIVE_MS,
    idleMs,
    api,
    meter,
    silence: new Deadline(),
    early: result,
  })
  return {
    ended,
    isPiped: () => pipe.mock.calls.length > 0,
    /** Everything received, one character for each byte. */
    received: () => received.map((byte) => String.fromCharCode(byte)).join(''),
    async send(bytes: Uint8Array): Promise<void> {
      await Promise.all([writer.write(bytes), vi.advanceTimersByTimeAsync(0)])
    },
    wait: async (ms: number): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms)),
    async end(): Promise<void> {
      await Promise.all([writer.close(), vi.advanceTimersByTimeAsync(0)])
    },
  }
}

const CHAT = { api: chatCompletions, text: chatStream, firstOutput: ' where' }
const RESPONSE = { api: responses, text: responseStream, firstOutput: '"type":"message"' }
const STREAMS: {
  name: string
  api: typeof chatCompletions | typeof responses
  text: string
  /** Only the first event with output contains it. */
  firstOutput: string
  newMeter: () => Meter | null
}[] = [
  { ...CHAT, name: 'a chat stream that is piped', newMeter: () => null },
  { ...CHAT, name: 'a chat stream that is metered', newMeter: () => new ChatMeter({ leaveOutUsage: false }) },
  { ...RESPONSE, name: 'a response stream that is piped', newMeter: () => null },
  { ...RESPONSE, name: 'a response stream that is metered', newMeter: () => new ResponseMeter() },
]

describe.each(STREAMS)('$name', ({ api, text, firstOutput, newMeter }) => {
  const bytes = encoder.encode(text)
  const latin1 = latin1Of(text)
  const outputStart = latin1.lastIndexOf('\n\n', latin1.indexOf(firstOutput)) + 2
  const outputEnd = latin1.indexOf('\n\n', outputStart) + 2

  it('gets its comments between events and until its first output, however it is cut and paused', async () => {
    const pauses = fc.array(
      fc.record({ at: fc.integer({ min: 1, max: bytes.length }), intervals: fc.integer({ min: 0, max: 2 }) }),
      { maxLength: 30 },
    )
    await fc.assert(
      fc.asyncProperty(pauses, (places) => expectComments(places)),
      { numRuns: 50 },
    )
  })

  it('gets its comments between events when each byte is a chunk and a pause follows it', async () => {
    const places = Array.from({ length: outputEnd + 50 }, (_, index) => ({ at: index + 1, intervals: 1 }))
    await expectComments(places)
  })

  async function expectComments(places: readonly { at: number; intervals: number }[]): Promise<void> {
    const relayed = startRelay(api, newMeter(), UNTIMED)
    let expected = ''
    let from = 0
    for (const { at, intervals } of places.toSorted((left, right) => left.at - right.at)) {
      if (at > from) await relayed.send(bytes.slice(from, at))
      expected += latin1.slice(from, at)
      from = at
      await relayed.wait(intervals * KEEP_ALIVE_MS)
      if (at < outputEnd && latin1.slice(0, at).endsWith('\n\n')) expected += COMMENT.repeat(intervals)
    }
    if (from < bytes.length) await relayed.send(bytes.slice(from))
    await relayed.end()
    expect(await relayed.ended).toEqual({ outcome: 'completed', firstOutputAtMs: expect.any(Number) })
    expect(relayed.received()).toBe(expected + latin1.slice(from))
    expect(relayed.received().replaceAll(COMMENT, '')).toBe(latin1)
  }

  it('times out where its first output is late, even while other events come', async () => {
    const relayed = startRelay(api, newMeter())
    await relayed.send(bytes.slice(0, outputStart))
    await relayed.wait(TIMEOUT_MS / 2)
    await relayed.send(encoder.encode(': ping\n\n'))
    await relayed.wait(TIMEOUT_MS / 2)
    expect(await relayed.ended).toMatchObject({ outcome: 'upstream_failed' })
    expect(relayed.received()).toContain(COMMENT)
    expect(relayed.received()).toMatch(/\n\ndata: \{"error"|\n\nevent: error\n/)
    expect(relayed.received()).toContain('"code":"timeout"')
  })

  it('is piped natively from its first output on, where no meter reads it', async () => {
    const relayed = startRelay(api, newMeter())
    for (let at = 0; at < outputEnd; at += 1) {
      expect(relayed.isPiped()).toBe(false)
      await relayed.send(bytes.slice(at, at + 1))
    }
    expect(relayed.isPiped()).toBe(newMeter() === null)
  })

  it('does not time out after its first output', async () => {
    const relayed = startRelay(api, newMeter())
    await relayed.send(bytes.slice(0, outputEnd))
    for (let at = outputEnd; at < bytes.length; at += 300) {
      await relayed.wait(IDLE_MS - 1)
      await relayed.send(bytes.slice(at, at + 300))
    }
    await relayed.end()
    expect(await relayed.ended).toEqual({ outcome: 'completed', firstOutputAtMs: expect.any(Number) })
    expect(relayed.received()).toBe(latin1)
  })

  it('may be silent for longer than the idle time before its first output, and is idle only after it', async () => {
    const isMetered = newMeter() !== null
    const relayed = startRelay(api, newMeter())
    await relayed.send(bytes.slice(0, outputStart))
    await relayed.wait(IDLE_MS + KEEP_ALIVE_MS)
    await relayed.send(bytes.slice(outputStart, outputEnd))
    await relayed.wait(IDLE_MS - 1)
    expect(relayed.received().replaceAll(COMMENT, '')).toBe(latin1.slice(0, outputEnd))
    await relayed.wait(1)
    expect(relayed.received().includes('"code":"timeout"')).toBe(isMetered)
  })
})

const chatEvents = chatStream.split(/(?<=\n\n)/)
const responseEvents = responseStream.split(/(?<=\n\n)/)
const failed = 'event: response.failed\ndata: {"type":"response.failed","response":{"status":"failed"}}\n\n'
const incomplete = 'event: response.incomplete\ndata: {"type":"response.incomplete","response":{}}\n\n'

describe.each([
  ['an error event', chatCompletions, 'data: {"error":{"message":"m","type":"server_error"}}\n\n'],
  ['an empty answer', chatCompletions, `${chatEvents[0]}${chatEvents[3]}data: [DONE]\n\n`],
  ['a failed response', responses, `${responseEvents[0]}${failed}`],
  ['an incomplete response', responses, `${responseEvents[0]}${responseEvents[1]}${incomplete}`],
])('a stream without output, which is %s', (_name, api, text) => {
  it.each([
    ['piped', () => null],
    ['metered', () => (api === responses ? new ResponseMeter() : new ChatMeter({ leaveOutUsage: true }))],
  ])('ends byte for byte when it is %s', async (_way, newMeter) => {
    const bytes = encoder.encode(text)
    for (const chunkBytes of [1, 10, 10_000]) {
      const relayed = startRelay(api, newMeter())
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        await relayed.send(bytes.slice(at, at + chunkBytes))
      }
      await relayed.end()
      expect(await relayed.ended).toMatchObject({ outcome: 'completed' })
      expect(relayed.received()).toBe(text)
    }
  })
})

it('a metered stream has comments only between events where its usage event is omitted', async () => {
  const relayed = startRelay(chatCompletions, new ChatMeter({ leaveOutUsage: true }), UNTIMED)
  for (const byte of encoder.encode(chatStream)) {
    await relayed.send(Uint8Array.of(byte))
    await relayed.wait(KEEP_ALIVE_MS)
  }
  await relayed.end()
  const events = relayed.received().split(/(?<=\n\n)/)
  expect(events).toContain(COMMENT)
  const expected = chatEvents.filter((event) => !event.includes('"usage":{')).map(latin1Of)
  expect(events.filter((event) => event !== COMMENT)).toEqual(expected)
})

it('a stream without a byte fails', async () => {
  const relayed = startRelay(chatCompletions, null)
  await relayed.end()
  expect(await relayed.ended).toMatchObject({ outcome: 'upstream_failed' })
})

/** One character for each byte, so that half a character can be compared. */
function latin1Of(text: string): string {
  return String.fromCharCode(...encoder.encode(text))
}
