/**
 * Scans the beginning of a stream: whether an event with output has come, and whether the bytes so far end between two
 * events. Only there may a comment stand. It never changes a byte.
 */

/** Bytes of an event that are kept and judged. Of a longer event only the head is, which has its type. */
export const HEAD_BYTES_MAX = 64 * 1024

/** One character for each byte. JSON keeps its fields so, and a character may be cut anywhere. */
const latin1 = new TextDecoder('latin1')

const LINE_FEED = 10
/** The end of a line and an empty line behind it. Either may end with LF or CRLF. */
const EVENT_END = /\n\r?\n$/
/** The servers send the data of an event in one line. */
const DATA_LINE = /^data: ?(.*)/m

export class OutputScanner {
  /** Whether an event with output has ended, or the head of a long one has come. What follows is not scanned. */
  hasOutput = false
  readonly #isOutput: (data: string) => boolean
  /** The text of the event under way; `null` once its head was judged. */
  #text: string | null = ''
  /** The last three bytes. The beginning of a stream is the beginning of a line behind an empty one. */
  #lastBytes = '\n\n'

  /** `isOutput` judges the data of an event, or their head where the event is longer than `HEAD_BYTES_MAX`. */
  constructor(isOutput: (data: string) => boolean) {
    this.#isOutput = isOutput
  }

  /** Whether the bytes so far end between two events. It is not kept up once the stream has output. */
  get isBetweenEvents(): boolean {
    return EVENT_END.test(this.#lastBytes)
  }

  /** Takes the next bytes of the stream, however they are cut. */
  scan(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length && !this.hasOutput;) {
      const to = bytes.indexOf(LINE_FEED, from) + 1 || bytes.length
      this.#add(bytes.subarray(from, to))
      from = to
    }
  }

  /** Adds bytes of one line, with or without its end. */
  #add(bytes: Uint8Array): void {
    this.#lastBytes = (this.#lastBytes + latin1.decode(bytes.subarray(-3))).slice(-3)
    if (this.#text !== null) {
      this.#text += latin1.decode(bytes.subarray(0, HEAD_BYTES_MAX - this.#text.length))
      if (this.isBetweenEvents || this.#text.length === HEAD_BYTES_MAX) {
        // Comments and other lines without data are no event (the SSE standard, 9.2.6).
        const data = DATA_LINE.exec(this.#text)?.[1]
        this.hasOutput = data !== undefined && this.#isOutput(data)
        this.#text = null
      }
    }
    if (this.isBetweenEvents) this.#text = ''
  }
}
