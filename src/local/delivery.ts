/** Sends the parts of an answer at their pace, only as fast as they are read, and notices when nobody reads any more. */

import { DELAY_MS_MAX } from './script.ts'

/** A piece of the body. A chunk is what scripts and cancellations count: an event with data, or a piece of JSON. */
export interface Part {
  readonly text: string
  readonly isChunk: boolean
  /** Sent after a pause. */
  readonly isPaced: boolean
}

/** How a body ends before its time: after so many chunks, or else after the last one. */
export interface EarlyEnd {
  readonly how: 'cut' | 'end' | 'hang'
  readonly afterChunks: number
}

export interface Manner {
  /** Silence before the first part. */
  readonly thinkMs: number
  readonly chunkDelayMs: number
  /** The size of all pieces but the last; null to write part by part. */
  readonly chunkBytes: number | null
  readonly earlyEnd: EarlyEnd | null
  readonly signal: AbortSignal | null
}

export interface Delivery {
  readonly body: ReadableStream<Uint8Array>
  /** Resolves, never rejects, when the body is over, cut or abandoned. */
  readonly done: Promise<void>
}

/** `onLeft` hears of a reader that cancelled or a signal that aborted, with the number of chunks sent before. */
export function deliver(
  parts: Iterable<Part>,
  manner: Manner,
  onLeft: (chunksSent: number) => void,
): Delivery {
  const { readable, writable } = new IdentityTransformStream()
  const writer: WritableStreamDefaultWriter<Uint8Array> = writable.getWriter()
  const gone = new AbortController()
  const signal = manner.signal ? AbortSignal.any([manner.signal, gone.signal]) : gone.signal
  signal.addEventListener('abort', () => void writer.abort(signal.reason).catch(() => undefined))
  let chunksSent = 0

  async function sendAll(): Promise<void> {
    const write = rechunked(writer, manner.chunkBytes)
    await pause(manner.thinkMs, signal)
    for (const part of parts) {
      if (manner.earlyEnd && (chunksSent >= manner.earlyEnd.afterChunks || !part.isChunk)) {
        await write('', true)
        await endEarly(manner.earlyEnd.how)
        return
      }
      if (part.isPaced) await pause(manner.chunkDelayMs, signal)
      await write(part.text, false)
      if (part.isChunk) chunksSent++
    }
    await write('', true)
    await (manner.earlyEnd ? endEarly(manner.earlyEnd.how) : writer.close())
  }

  async function endEarly(how: EarlyEnd['how']): Promise<void> {
    if (how === 'end') return writer.close()
    if (how === 'hang') await pause(DELAY_MS_MAX, signal)
    // The reader's error is what was scripted: nobody left.
    await writer.abort(new Error(`simulated ${how}`)).catch(() => undefined)
  }

  // A cancelled body shows only when something is written; between chunks and in a hang, the signal is what tells.
  writer.closed.catch((reason: unknown) => gone.abort(reason))
  const done = sendAll().catch((reason: unknown) => {
    gone.abort(reason)
    onLeft(chunksSent)
  })
  return { body: readable, done }
}

/** Waits without leaving a timer behind when `signal` aborts: then it rejects with the reason. */
export async function pause(milliseconds: number, signal: AbortSignal | null): Promise<void> {
  signal?.throwIfAborted()
  if (milliseconds > 0) await scheduler.wait(milliseconds, signal ? { signal } : {})
}

type Write = (text: string, isLast: boolean) => Promise<void>

/** Writes text as UTF-8, in pieces of `bytes` whatever the parts were; the last piece is smaller. */
function rechunked(writer: WritableStreamDefaultWriter<Uint8Array>, bytes: number | null): Write {
  const encoder = new TextEncoder()
  let held = new Uint8Array(0)
  return async function write(text, isLast) {
    const encoded = encoder.encode(text)
    if (bytes === null) {
      if (encoded.length > 0) await writer.write(encoded)
      return
    }
    const joined = new Uint8Array(held.length + encoded.length)
    joined.set(held)
    joined.set(encoded, held.length)
    let from = 0
    for (; from + bytes <= joined.length; from += bytes)
      await writer.write(joined.subarray(from, from + bytes))
    held = joined.slice(from)
    if (isLast && held.length > 0) await writer.write(held)
  }
}
