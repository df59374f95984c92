/**
 * Relays a stream from the upstream to the client: the bytes as they are, comments between events until the first output, and
 * an error event where the upstream fails. After the first output a stream without a meter is piped natively, with no
 * JavaScript for a chunk.
 */
import type { ErrorBody } from '../error-envelope.ts'
import { renderFailure } from '../render-failure.ts'
import { type Deadline, raceDeadline, TIMED_OUT } from '../timeout.ts'
import type { AcceptedResult, UpstreamResult } from '../upstream/call.ts'
import type { Cancellation } from '../upstream/cancellation.ts'
import { type Diagnosis, type FailureOutcome, failureOfError, timeoutOutcome } from '../upstream/failures.ts'
import type { Meter } from './meter.ts'
import { OutputScanner } from './output-scanner.ts'
import { Watchdog } from './watchdog.ts'

export interface Relay {
  upstream: Promise<UpstreamResult>
  /** The writable side of an `IdentityTransformStream`: a write ends when the client has read it. */
  writable: WritableStream<Uint8Array>
  cancellation: Cancellation
  /** How often a comment is sent while the upstream is silent before its first output, ms; 0 for never. */
  keepAliveMs: number
  /** The timer of each silence until the first output. The relay ends it. */
  silence: Deadline
  /**
   * How long the upstream may pause between chunks, ms. It is enforced only after the first output, and only where a meter
   * reads the chunks. Until then the cancellation's timer applies.
   */
  idleMs: number
  /** What differs between the two APIs. */
  api: {
    /** Makes the error event after so many others, without the empty line behind it. */
    errorEvent: (body: ErrorBody, events: number) => string
    /** Whether the data of an event are output of the model. */
    isOutput: (data: string) => boolean
  }
  meter: Meter | null
  /** The upstream's answer; `null` where one interval of silence has passed without it, so that the first comment is due. */
  early: AcceptedResult | null
}

/** How a stream ended, with a diagnosis where the upstream failed. */
type Ending =
  | { outcome: 'completed' | 'client_closed' }
  | { outcome: 'upstream_failed'; diagnosis: Diagnosis }

/** `firstOutputAtMs`: when the model began to answer, and so ended its reasoning, ms since 1970; `null` for never. */
export type StreamOutcome = Ending & { firstOutputAtMs: number | null }

/** A comment. It stands between events, and clients ignore it (the SSE standard, 9.2.6). */
const KEEP_ALIVE = new TextEncoder().encode(': keep-alive\n\n')

/** Never throws. Resolves when the client has everything, or has closed. */
export async function relay(options: Relay): Promise<StreamOutcome> {
  const scanner = new OutputScanner(options.api.isOutput)
  let firstOutputAtMs: number | null = null
  const ending = await relayBy(scanner, options, () => {
    firstOutputAtMs ??= Date.now()
  })
  return { ...ending, firstOutputAtMs }
}

async function relayBy(scanner: OutputScanner, options: Relay, onOutput: () => void): Promise<Ending> {
  const { writable, cancellation, meter } = options
  try {
    if (options.early === null) await write(options, KEEP_ALIVE)
    const result = options.early ?? (await whileKeepingAlive(options.upstream, scanner, options))
    if (!result.accepted) return await failStream(options, result)
    const { body } = result.response
    const reader = body.getReader()
    await relayUntilOutput(reader, result.held ?? [], scanner, options, onOutput)
    options.silence.end()
    // A stream that has ended without output ends here too: the next read, or the pipe, finds its end.
    if (meter !== null) {
      await pump(reader, meter, options)
    } else {
      reader.releaseLock()
      // The relay itself ends or fails the stream, so the pipe may do neither. The signal is needed, since the pipe alone
      // would not notice a client that resets while the upstream pauses.
      await body.pipeTo(writable, { preventClose: true, preventAbort: true, signal: cancellation.signal })
    }
    await writable.close()
    return { outcome: 'completed' }
  } catch (error) {
    return await failStream(options, failureOfError(error))
  } finally {
    options.silence.end()
    cancellation.clearTimeout()
  }
}

/**
 * Relays each chunk until the first event with output, which also ends the timer, or until the end of the stream. No pipe can
 * do this: an aborted `pipeTo` has lost its source, so no comment could follow it.
 */
async function relayUntilOutput(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  held: readonly Uint8Array[],
  scanner: OutputScanner,
  options: Relay,
  onOutput: () => void,
): Promise<void> {
  for (const chunk of held) await relayChunk(chunk, scanner, options, onOutput)
  let hasChunk = held.length > 0
  while (!scanner.hasOutput) {
    const next = await whileKeepingAlive(reader.read(), scanner, options)
    if (next.done) {
      if (!hasChunk) throw new Error('an empty stream')
      return
    }
    hasChunk = true
    await relayChunk(next.value, scanner, options, onOutput)
  }
}

async function relayChunk(
  chunk: Uint8Array,
  scanner: OutputScanner,
  options: Relay,
  onOutput: () => void,
): Promise<void> {
  const { cancellation, meter } = options
  for (const piece of meter?.pass(chunk) ?? [chunk]) {
    scanner.scan(piece)
    // The timer ends before the write, which can take as long as the client likes.
    if (scanner.hasOutput) {
      cancellation.clearTimeout()
      onOutput()
    }
    await write(options, piece)
  }
}

/**
 * Waits for the upstream, and writes a comment in every interval of silence, but none within an event. Rejects where the call
 * is cancelled.
 */
async function whileKeepingAlive<T>(pending: Promise<T>, scanner: OutputScanner, options: Relay): Promise<T> {
  const { cancellation, keepAliveMs, silence } = options
  for (;;) {
    const result = await cancellation.race(raceDeadline(pending, keepAliveMs, silence))
    if (result !== TIMED_OUT) return result
    if (scanner.isBetweenEvents) await write(options, KEEP_ALIVE)
  }
}

/** Relays each chunk through the meter. */
async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  meter: Meter,
  { writable, cancellation, idleMs }: Relay,
): Promise<void> {
  const watchdog = new Watchdog(idleMs, () => cancellation.cancel('timeout'))
  const writer = writable.getWriter()
  // A pending read ends even if the upstream ignores the signal, and a pending write ends if the client has closed.
  const cancel = (): void => {
    reader.cancel().catch(() => undefined)
    if (cancellation.cancelReason === 'client_closed') writer.abort().catch(() => undefined)
  }
  cancellation.signal.addEventListener('abort', cancel)
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      watchdog.reset()
      for (const piece of meter.pass(next.value)) await writer.write(piece)
    }
    cancellation.signal.throwIfAborted()
    const { rest, isComplete } = meter.end()
    if (!isComplete) throw new Error('an incomplete stream')
    if (rest.length > 0) await writer.write(rest)
  } finally {
    watchdog.end()
    cancellation.signal.removeEventListener('abort', cancel)
    writer.releaseLock()
  }
}

/** Ends the client's stream with an error event. Where that cannot be written, the client has closed. */
async function failStream(options: Relay, outcome: FailureOutcome): Promise<Ending> {
  const { writable, cancellation, api, meter } = options
  const { failure, diagnosis } = cancellation.cancelReason === 'timeout' ? timeoutOutcome() : outcome
  try {
    if (cancellation.cancelReason === 'client_closed') return { outcome: 'client_closed' }
    // The empty lines end an event that the upstream has sent in part. After a whole event they mean nothing.
    const event = api.errorEvent(renderFailure(failure).body, meter?.events ?? 0)
    await write(options, new TextEncoder().encode(`\n\n${event}\n\n`))
    await writable.close()
    return { outcome: 'upstream_failed', diagnosis }
  } catch {
    // The write has failed, and not the upstream.
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
