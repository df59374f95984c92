/**
 * Measures the time that a stream of 1,000 chunks takes in JavaScript, beside the 10 ms of the free plan:
 * `npm run bench:javascript`. It runs the relay and the meters in Node over streams that do nothing, so the time is that of
 * the gateway's own code. The CPU time of the runtime's process is mostly its work on sockets.
 */
import { chatCompletions } from '../../src/apis/chat-completions.ts'
import { responses } from '../../src/apis/responses.ts'
import { ChatMeter } from '../../src/streams/chat-meter.ts'
import type { Meter } from '../../src/streams/meter.ts'
import { relay } from '../../src/streams/relay.ts'
import { ResponseMeter } from '../../src/streams/response-meter.ts'
import { Deadline } from '../../src/timeout.ts'
import type { AcceptedResult } from '../../src/upstream/call.ts'
import { Cancellation } from '../../src/upstream/cancellation.ts'
import { chatEventOf, responseEventOf, STREAM_CHUNKS } from './prepared.ts'

/** A chunk is about one token, so this is a long answer. */
const CHUNKS = 1_000
const STREAMS = 200
/** V8 compiles what runs often, which takes some streams. */
const WARM_UP_STREAMS = 100
const ROUNDS = 9

const CHAT = chunksOf(chatEventOf)
const RESPONSE = chunksOf(responseEventOf)

// oxlint-disable-next-line no-console -- this script prints its results
const print = (line: string): void => console.log(line)

await measure('chat, piped', CHAT, chatCompletions, () => null)
await measure('chat, metered', CHAT, chatCompletions, () => new ChatMeter({ leaveOutUsage: true }))
await measure(
  'chat, metered, with usage',
  CHAT,
  chatCompletions,
  () => new ChatMeter({ leaveOutUsage: false }),
)
await measure('response, metered', RESPONSE, responses, () => new ResponseMeter())

async function measure(
  what: string,
  chunks: readonly Uint8Array[],
  api: typeof chatCompletions | typeof responses,
  newMeter: () => Meter | null,
): Promise<void> {
  const relayOne = async (): Promise<void> => {
    const early = acceptedOf(chunks)
    const { outcome } = await relay({
      upstream: Promise.resolve(early),
      writable: nowhere(),
      cancellation: new Cancellation(new AbortController().signal, 600_000),
      keepAliveMs: 15_000,
      idleMs: 120_000,
      api,
      meter: newMeter(),
      silence: new Deadline(),
      early,
    })
    if (outcome !== 'completed') throw new Error(`a stream has ended as ${outcome}`)
  }
  for (let stream = 0; stream < WARM_UP_STREAMS; stream++) await relayOne()
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let stream = 0; stream < STREAMS; stream++) await relayOne()
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 1000 / STREAMS)
  }
  const [min = NaN] = times.toSorted((a, b) => a - b)
  const median = times.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? NaN
  print(`${what}: ${median.toFixed(2)} ms a stream of ${CHUNKS} chunks, at least ${min.toFixed(2)}`)
}

/** The first and the last chunks of the bench's stream, with enough of its others between them. */
function chunksOf(eventOf: (at: number) => string): Uint8Array[] {
  const middle = STREAM_CHUNKS / 2
  return Array.from({ length: CHUNKS }, (_, at) => {
    const fromEnd = CHUNKS - at
    const place = fromEnd <= middle ? STREAM_CHUNKS - fromEnd : Math.min(at, middle)
    return new TextEncoder().encode(eventOf(place))
  })
}

/** An answer whose chunks are there at once. Only what the relay calls is there. */
function acceptedOf(chunks: readonly Uint8Array[]): AcceptedResult {
  let at = 0
  const read = (): Promise<unknown> => {
    const value = chunks[at++]
    return Promise.resolve(value === undefined ? { done: true } : { done: false, value })
  }
  const body = {
    getReader: () => ({ read, releaseLock: () => undefined, cancel: () => Promise.resolve() }),
    pipeTo: () => Promise.resolve(),
  }
  return { accepted: true, response: { body } } as unknown as AcceptedResult
}

function nowhere(): WritableStream<Uint8Array> {
  const written = Promise.resolve()
  const writer = { write: () => written, releaseLock: () => undefined, abort: () => written }
  return { getWriter: () => writer, close: () => written } as unknown as WritableStream<Uint8Array>
}
