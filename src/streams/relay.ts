/**
 * Carries a stream from the upstream to the client: comments while the model is silent, then the bytes as they are, and
 * an error event where the upstream breaks off. Without a meter the bytes are piped natively, no JavaScript a chunk.
 */
import { type ErrorBody, renderFailure } from '../failure.ts'
import { raceTimeout, TIMED_OUT } from '../timeout.ts'
import type { UpstreamResult } from '../upstream/call.ts'
import type { Cancellation } from '../upstream/cancellation.ts'
import { type Diagnosis, type FailureOutcome, failureOfError, timeoutOutcome } from '../upstream/failures.ts'
import type { Meter } from './meter.ts'
import { Watchdog } from './watchdog.ts'

export interface Relay {
  upstream: Promise<UpstreamResult>
  /** The writable side of an `IdentityTransformStream`: a write ends when the client has taken it. */
  writable: WritableStream<Uint8Array>
  cancellation: Cancellation
  /** How often a silent upstream is covered by a comment, ms; 0 for never. */
  keepAliveMs: number
  /** How long the upstream may pause between chunks, ms. Only where chunks pass a meter can it be told. */
  idleMs: number
  /** Makes the event that tells of a break after so many others, without the empty line behind it. */
  errorEvent: (body: ErrorBody, events: number) => string
  meter: Meter | null
  /** One interval of silence has gone by already: the first comment is due. */
  isLate: boolean
}

/** How a stream ended; with a diagnosis where the upstream is to blame. */
export type StreamOutcome =
  | { outcome: 'completed' | 'client_closed' }
  | { outcome: 'upstream_failed'; diagnosis: Diagnosis }

/** A comment, which stands between events and which no client shows (the SSE standard, 9.2.6). */
const KEEP_ALIVE = new TextEncoder().encode(': keep-alive\n\n')

/** Never throws. Resolves when the client has everything, or has gone. */
export async function relay(options: Relay): Promise<StreamOutcome> {
  const { writable, cancellation, meter } = options
  try {
    if (options.isLate) await write(options, KEEP_ALIVE)
    const result = await whileKeepingAlive(options.upstream, options)
    if (!result.accepted) return await failStream(options, result)
    const { body } = result.response
    const reader = body.getReader()
    const first = await whileKeepingAlive(reader.read(), options)
    cancellation.clearTimeout()
    if (first.done) throw new Error('a stream without a byte')
    if (meter !== null) {
      await pump(reader, first, meter, options)
    } else {
      await write(options, first.value)
      reader.releaseLock()
      // The end and a break are ours to tell, so the pipe may do neither.
      // The signal is what tells of a client that resets while the upstream pauses; the pipe alone would not notice.
      await body.pipeTo(writable, { preventClose: true, preventAbort: true, signal: cancellation.signal })
    }
    await writable.close()
    return { outcome: 'completed' }
  } catch (error) {
    return await failStream(options, failureOfError(error))
  } finally {
    cancellation.clearTimeout()
  }
}

/** Waits for the upstream, and writes a comment in every interval that it takes. Rejects where the client has gone. */
async function whileKeepingAlive<T>(pending: Promise<T>, options: Relay): Promise<T> {
  for (;;) {
    const result = await options.cancellation.race(raceTimeout(pending, options.keepAliveMs))
    if (result !== TIMED_OUT) return result
    await write(options, KEEP_ALIVE)
  }
}

/** The metered way: each chunk goes on as it came, and is looked at. */
async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  first: ReadableStreamReadResult<Uint8Array>,
  meter: Meter,
  { writable, cancellation, idleMs }: Relay,
): Promise<void> {
  const watchdog = new Watchdog(idleMs, () => cancellation.cancel('timeout'))
  const writer = writable.getWriter()
  // Ends a read that waits, also where the upstream does not heed the signal, and a write where the client has gone.
  const cancel = (): void => {
    reader.cancel().catch(() => undefined)
    if (cancellation.cancelReason === 'client_closed') writer.abort().catch(() => undefined)
  }
  cancellation.signal.addEventListener('abort', cancel)
  try {
    for (let next = first; !next.done; next = await reader.read()) {
      watchdog.reset()
      for (const piece of meter.pass(next.value)) await writer.write(piece)
    }
    cancellation.signal.throwIfAborted()
    const { rest, isComplete } = meter.end()
    if (!isComplete) throw new Error('the stream ended before its end')
    if (rest.length > 0) await writer.write(rest)
  } finally {
    watchdog.end()
    cancellation.signal.removeEventListener('abort', cancel)
    writer.releaseLock()
  }
}

/** Ends the client's stream with an error event. A client that cannot be told has gone, and the call ends with it. */
async function failStream(options: Relay, outcome: FailureOutcome): Promise<StreamOutcome> {
  const { writable, cancellation, errorEvent, meter } = options
  const { failure, diagnosis } = cancellation.cancelReason === 'timeout' ? timeoutOutcome() : outcome
  try {
    if (cancellation.cancelReason === 'client_closed') return { outcome: 'client_closed' }
    // The empty lines end what the upstream may have left half-sent; after a whole event they mean nothing.
    const event = errorEvent(renderFailure(failure).body, meter?.events ?? 0)
    await write(options, new TextEncoder().encode(`\n\n${event}\n\n`))
    await writable.close()
    return { outcome: 'upstream_failed', diagnosis }
  } catch {
    // It was the write that failed and not the upstream.
    cancellation.cancel('client_closed')
    return { outcome: 'client_closed' }
  } finally {
    cancellation.end()
  }
}

async function write({ writable, cancellation }: Relay, bytes: Uint8Array): Promise<void> {
  const writer = writable.getWriter()
  try {
    await Promise.race([writer.write(bytes), cancellation.clientClosed])
  } finally {
    writer.releaseLock()
  }
}
