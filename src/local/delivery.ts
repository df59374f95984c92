/** Sends the parts of an answer with pauses and with backpressure, and notices that a reader has cancelled. */

import { DELAY_MS_MAX } from './script.ts'

/** A piece of the body. Scripts and cancellations count chunks: an event with data, or a piece of JSON. */
export interface Part {
  readonly text: string
  readonly isChunk: boolean
  /** The part is sent after a pause. */
  readonly isPaced: boolean
}

/** The body ends after so many chunks, at the latest after its last chunk. */
export interface EarlyEnd {
  readonly how: 'cut' | 'end' | 'hang'
  readonly afterChunks: number
}

export interface DeliveryOptions {
  /** The pause before the first part. */
  readonly thinkMs: number
  readonly chunkDelayMs: number
  /** The size of all pieces but the last; null writes each part as it is. */
  readonly chunkBytes: number | null
  readonly earlyEnd: EarlyEnd | null
  readonly signal: AbortSignal | null
}

export interface Delivery {
  readonly body: ReadableStream<Uint8Array>
  /** Resolves when the body is complete, cut or cancelled. Never rejects. */
  readonly done: Promise<void>
}

/** `onCancel` is called when the reader cancels or the signal aborts, with the number of chunks sent before. */
export function deliver(
  parts: Iterable<Part>,
  options: DeliveryOptions,
  onCancel: (chunksSent: number) => void,
): Delivery {
  const { readable, writable } = new IdentityTransformStream()
  const writer: WritableStreamDefaultWriter<Uint8Array> = writable.getWriter()
  const readerGone = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, readerGone.signal]) : readerGone.signal
  signal.addEventListener('abort', () => void writer.abort(signal.reason).catch(() => undefined))
  let chunksSent = 0

  async function sendAll(): Promise<void> {
    const write = chunkedWriter(writer, options.chunkBytes)
    await pause(options.thinkMs, signal)
    for (const part of parts) {
      if (options.earlyEnd && (chunksSent >= options.earlyEnd.afterChunks || !part.isChunk)) {
        await write('', true)
        await endEarly(options.earlyEnd.how)
        return
      }
      if (part.isPaced) await pause(options.chunkDelayMs, signal)
      await write(part.text, false)
      if (part.isChunk) chunksSent++
    }
    await write('', true)
    await (options.earlyEnd ? endEarly(options.earlyEnd.how) : writer.close())
  }

  async function endEarly(how: EarlyEnd['how']): Promise<void> {
    if (how === 'end') return writer.close()
    if (how === 'hang') await pause(DELAY_MS_MAX, signal)
    // The script wants the reader's error, so it is no cancellation.
    await writer.abort(new Error(`simulated ${how}`)).catch(() => undefined)
  }

  // A cancelled body is noticed only at a write. Between chunks and in a hang, only the signal tells.
  writer.closed.catch((reason: unknown) => readerGone.abort(reason))
  const done = sendAll().catch((reason: unknown) => {
    readerGone.abort(reason)
    onCancel(chunksSent)
  })
  return { body: readable, done }
}

/** Waits. When `signal` aborts, the timer is cleared and the promise rejects with the reason. */
export async function pause(milliseconds: number, signal: AbortSignal | null): Promise<void> {
  signal?.throwIfAborted()
  if (milliseconds > 0) await scheduler.wait(milliseconds, signal ? { signal } : {})
}

type Write = (text: string, isLast: boolean) => Promise<void>

/** Writes text as UTF-8 in pieces of `bytes`, whatever the parts were. The last piece may be smaller. */
function chunkedWriter(writer: WritableStreamDefaultWriter<Uint8Array>, bytes: number | null): Write {
  const encoder = new TextEncoder()
  let pending = new Uint8Array(0)
  return async function write(text, isLast) {
    const encoded = encoder.encode(text)
    if (bytes === null) {
      if (encoded.length > 0) await writer.write(encoded)
      return
    }
    const joined = new Uint8Array(pending.length + encoded.length)
    joined.set(pending)
    joined.set(encoded, pending.length)
    let from = 0
    for (; from + bytes <= joined.length; from += bytes)
      await writer.write(joined.subarray(from, from + bytes))
    pending = joined.slice(from)
    if (isLast && pending.length > 0) await writer.write(pending)
  }
}
