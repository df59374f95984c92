/**
 * Scans the beginning of a stream: whether an event with output has come, and whether the bytes so far end between two
 * events. Only there may a comment stand. It never changes a byte.
 */

/** Characters of an event that are kept and judged. Of a longer event only the head is, which has its type. */
export const EVENT_CHARACTERS_MAX = 64 * 1024

const LINE_FEED = 10
/** The end of a line and an empty line behind it. Either may end with LF or CRLF. */
const EVENT_END = /\n\r?\n$/
const DATA_LINE = /(?:^|\n)data: ?([^\r\n]*)/g

export class OutputScanner {
  readonly #isOutput: (data: string) => boolean
  readonly #decoder = new TextDecoder()
  #hasOutput = false
  /** The text of the event under way; `null` once its head was judged. */
  #text: string | null = ''
  /** The last three bytes. The beginning of a stream is the beginning of a line behind an empty one. */
  #lastBytes = '\n\n'

  /** `isOutput` judges the data of an event, or its head where the event is longer than `EVENT_CHARACTERS_MAX`. */
  constructor(isOutput: (data: string) => boolean) {
    this.#isOutput = isOutput
  }

  /** Whether an event with output has ended, or the head of a long one has come. What follows is not scanned. */
  get hasOutput(): boolean {
    return this.#hasOutput
  }

  /** Whether the bytes so far end between two events. It is not kept up once the stream has output. */
  get isBetweenEvents(): boolean {
    return EVENT_END.test(this.#lastBytes)
  }

  /** Takes the next bytes of the stream, however they are cut. */
  scan(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length && !this.#hasOutput;) {
      const to = bytes.indexOf(LINE_FEED, from) + 1 || bytes.length
      this.#add(bytes.subarray(from, to))
      from = to
    }
  }

  /** Adds bytes of one line, with or without its end. */
  #add(bytes: Uint8Array): void {
    this.#lastBytes = (this.#lastBytes + String.fromCharCode(...bytes.subarray(-3))).slice(-3)
    if (this.#text !== null) {
      const kept = bytes.subarray(0, EVENT_CHARACTERS_MAX - this.#text.length)
      this.#text += this.#decoder.decode(kept, { stream: true })
      if (this.isBetweenEvents || this.#text.length >= EVENT_CHARACTERS_MAX) this.#judge(this.#text)
    }
    if (this.isBetweenEvents) {
      this.#text = ''
      // The head of a long event may have ended within a character.
      this.#decoder.decode()
    }
  }

  /** Comments and other lines without data are no event (the SSE standard, 9.2.6). */
  #judge(text: string): void {
    const lines = Array.from(text.matchAll(DATA_LINE), ([, line = '']) => line)
    this.#hasOutput = lines.length > 0 && this.#isOutput(lines.join('\n'))
    this.#text = null
  }
}
