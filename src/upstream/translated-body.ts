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
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const next = await reader.read()
          const bytes = next.done ? translator.end() : translator.pass(next.value)
          // An event can have no counterpart, and a pull must end with bytes or with the stream.
          if (bytes.length > 0) return controller.enqueue(bytes)
          if (!next.done) continue
          if (!translator.isComplete) throw new Error('an incomplete stream')
          return controller.close()
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
