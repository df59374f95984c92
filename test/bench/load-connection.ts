/** A keep-alive connection of the load generator. It writes prepared bytes, and parses only the end of each answer. */
import { connect, type Socket } from 'node:net'

export interface Timing {
  firstByteMs: number
  totalMs: number
  status: number
  bodyBytes: number
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = '0\r\n\r\n'

export class LoadConnection {
  readonly #socket: Socket
  #onData: (data: Buffer) => void = () => {}
  #onEnd: (error: Error) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data) => this.#onData(data))
    socket.on('error', (error) => this.#onEnd(error))
    socket.on('close', () => this.#onEnd(new Error('the connection was closed')))
  }

  static open(port: number): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new LoadConnection(socket)))
    })
  }

  /**
   * Sends a request after the answer to the previous request. Rejects where the answer is incomplete, or is not a 200 and
   * `takesAll` is false.
   */
  send(request: Buffer, takesAll = false): Promise<Timing> {
    return new Promise((resolve, reject) => {
      const startedMs = performance.now()
      const body = new AnswerBody()
      let firstByteMs = 0
      this.#onEnd = reject
      this.#onData = (data) => {
        try {
          const isOver = body.take(data)
          if (firstByteMs === 0 && body.bytes > 0) firstByteMs = performance.now() - startedMs
          const { status } = body
          if (status !== 200 && status !== 0 && !takesAll) throw new Error(`not a 200: ${status}`)
          if (isOver)
            resolve({ firstByteMs, totalMs: performance.now() - startedMs, status, bodyBytes: body.bytes })
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#onEnd = () => {}
    this.#socket.destroy()
  }
}

/** Finds the end of an answer: by its `content-length`, or by its last chunk. */
class AnswerBody {
  /** Bytes of the body so far, with the framing of its chunks. */
  bytes = 0
  /** 0 until the head is complete. */
  status = 0
  #head: Buffer | null = Buffer.alloc(0)
  /** The `content-length`; `null` for a chunked body. */
  #length: number | null = null
  #tail = ''

  /** Reads more bytes of the answer. Returns true when the answer has ended. */
  take(data: Buffer): boolean {
    let rest = data
    if (this.#head !== null) {
      const head = this.#head.length === 0 ? data : Buffer.concat([this.#head, data])
      const end = head.indexOf(HEAD_END)
      if (end === -1) {
        this.#head = head
        return false
      }
      this.#readHead(head.toString('latin1', 0, end))
      this.#head = null
      rest = head.subarray(end + HEAD_END.length)
    }
    this.bytes += rest.length
    if (this.#length !== null) return this.bytes >= this.#length
    this.#tail = (this.#tail + rest.toString('latin1', Math.max(0, rest.length - LAST_CHUNK.length))).slice(
      -LAST_CHUNK.length,
    )
    return this.#tail === LAST_CHUNK
  }

  #readHead(head: string): void {
    this.status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
    const length = /\ncontent-length: *(\d+)/i.exec(head)?.[1]
    this.#length = length === undefined ? null : Number(length)
  }
}
