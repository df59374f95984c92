/** The body of an upstream's stream in the caller's format. */
import type { StreamTranslator } from './translate/stream-translator.ts'

/**
 * Reads the upstream only as fast as the result is read, and cancels it with the result. A stream without its last event
 * breaks, as a broken upstream does: the caller would take its end for a success.
 */
export function translatedBody(
  body: ReadableStream<Uint8Array>,
  translator: StreamTranslator,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  /** The next bytes; `null` at the end. An event can have no counterpart, and then the next chunk is read. */
  async function read(): Promise<Uint8Array | null> {
    for (;;) {
      const next = await reader.read()
      const bytes = next.done ? translator.end() : translator.pass(next.value)
      if (bytes.length > 0) return bytes
      if (!next.done) continue
      if (!translator.isComplete) throw new Error('an incomplete stream')
      return null
    }
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // The runtime reports a pull that rejects after a cancellation as an unhandled rejection.
        try {
          const bytes = await read()
          if (bytes === null) controller.close()
          else controller.enqueue(bytes)
        } catch (error) {
          controller.error(error)
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
