/** Reads the events of a stream as the server sends them. */

/** An event without an end is given up at this length, in characters. */
export const EVENT_CHARACTERS_MAX = 1_000_000

/** The text of each event, comments included, as it comes. @throws what the body's reader throws. */
export async function* eventsOf(body: ReadableStream<BufferSource>): AsyncGenerator<string> {
  let rest = ''
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + text).split(/\r?\n\r?\n/)
    rest = events.pop() ?? ''
    if (rest.length > EVENT_CHARACTERS_MAX) throw new Error('an event of the stream has no end')
    yield* events
  }
  if (rest.trim() !== '') yield rest
}

/** The data of an event: parsed JSON; `null` for a comment, an end mark, and what is no JSON. */
export function dataOf(event: string): unknown {
  const data = event
    .split(/\r?\n/)
    .flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trimStart()] : []))
    .join('\n')
  if (data === '' || data === '[DONE]') return null
  try {
    return JSON.parse(data)
  } catch {
    return null
  }
}
