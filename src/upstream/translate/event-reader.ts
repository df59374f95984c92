/** Reads server-sent events, however their bytes are cut. It keeps only the event under way. */

/**
 * Characters of an event that is under way. The first and last events of a response repeat its tools, and the last one the
 * whole answer.
 */
export const EVENT_CHARACTERS_MAX = 4 * 1024 * 1024

/** The data of an event, or the text of a comment. */
export type Read = { data: string } | { comment: string }

export class EventReader {
  readonly #decoder = new TextDecoder()
  /** The beginning of a line whose end has not come yet. */
  #line = ''
  #data: string[] = []
  #dataCharacters = 0

  /** The events and comments that end in these bytes. The servers end a line with LF or CRLF. */
  read(bytes: Uint8Array): Read[] {
    const [first = '', ...others] = this.#decoder.decode(bytes, { stream: true }).split('\n')
    this.#line += first
    const found: Read[] = []
    for (const line of others) {
      found.push(...this.#take(this.#line))
      this.#line = line
    }
    return found
  }

  /** The last event, where the stream has ended without the empty line behind it. */
  end(): Read[] {
    const line = this.#line
    this.#line = ''
    return [...this.#take(line), ...this.#take('')]
  }

  get isTooLong(): boolean {
    return this.#line.length + this.#dataCharacters > EVENT_CHARACTERS_MAX
  }

  #take(lineWithEnd: string): Read[] {
    const line = lineWithEnd.replace(/\r$/, '')
    if (line.startsWith(':')) return [{ comment: line }]
    if (line.startsWith('data:')) {
      this.#data.push(line.slice(line[5] === ' ' ? 6 : 5))
      this.#dataCharacters += line.length
    }
    if (line !== '' || this.#data.length === 0) return []
    const data = this.#data.join('\n')
    this.#data = []
    this.#dataCharacters = 0
    return [{ data }]
  }
}
