/** The body of an upstream's stream in the caller's format. */
import type { StreamTranslator } from './translate/stream-translator.ts'

/**
 * It breaks where the upstream breaks, and where the upstream ends without its last event: the caller would take such an end
 * for a success. The upstream is read as fast as the result is read, and is cancelled with it.
 *
 * @param signal The signal of the call. A cancelled call ends the result, since an aborted pipe of the runtime leaves the
 * rejection of its last read to nobody. Who has cancelled the call knows that the end is none.
 */
export function translatedBody(
  body: ReadableStream<Uint8Array>,
  translator: StreamTranslator,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const bytes = await nextBytes(reader, translator)
          if (bytes === null) controller.close()
          else controller.enqueue(bytes)
        } catch (error) {
          if (signal.aborted) controller.close()
          else controller.error(error)
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/** `null` at the end. An event can have no counterpart, and then the next chunk is read. */
async function nextBytes(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  translator: StreamTranslator,
): Promise<Uint8Array | null> {
  for (;;) {
    const next = await reader.read()
    const bytes = next.done ? translator.end() : translator.pass(next.value)
    if (bytes.length > 0) return bytes
    if (!next.done) continue
    if (!translator.isComplete) throw new Error('an incomplete stream')
    return null
  }
}
