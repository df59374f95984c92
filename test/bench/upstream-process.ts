/** The fast upstream, a process of its own. It answers every call of the `Ai` class with prepared bytes on a TCP socket. */
import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { answerParent } from './child.ts'
import {
  jsonAnswerBytes,
  logAnswerBytes,
  RESPONSES_SLUG,
  responseStreamBytes,
  streamAnswerBytes,
  type StreamBytes,
} from './prepared.ts'

/** The answer to all calls from now on. `paceMs` is the time between two chunks; 0 sends as fast as the reader takes them. */
export type UpstreamMode = { kind: 'json' } | { kind: 'stream'; paceMs: number }

/** The port that the upstream listens on. */
export interface UpstreamReady {
  port: number
}

const JSON_ANSWER = jsonAnswerBytes()
const LOG_ANSWER = logAnswerBytes()
const CHAT_STREAM = streamAnswerBytes()
const RESPONSE_STREAM = responseStreamBytes()
const HEAD_END = Buffer.from('\r\n\r\n')

let mode: UpstreamMode = { kind: 'json' }

const server = createServer({ noDelay: true }, (socket) => {
  let before: Buffer = Buffer.alloc(0)
  let bodyBytesMissing = 0
  let stream = CHAT_STREAM
  socket.on('error', () => socket.destroy())
  socket.on('data', (data) => {
    let rest = before.length === 0 ? data : Buffer.concat([before, data])
    before = Buffer.alloc(0)
    if (bodyBytesMissing === 0) {
      const headEnd = rest.indexOf(HEAD_END)
      if (headEnd === -1) {
        before = rest
        return
      }
      const head = rest.subarray(0, headEnd).toString('latin1')
      rest = rest.subarray(headEnd + HEAD_END.length)
      if (head.startsWith('GET ')) {
        // The call reads AI Gateway's log of a natively piped stream.
        socket.write(LOG_ANSWER)
        return
      }
      bodyBytesMissing = contentLength(head)
      stream = head.includes(RESPONSES_SLUG) ? RESPONSE_STREAM : CHAT_STREAM
    }
    // A connection has one call at a time, so no bytes of the next call follow before this answer.
    bodyBytesMissing -= rest.length
    if (bodyBytesMissing === 0) answer(socket, stream)
  })
})

function contentLength(head: string): number {
  const length = Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1])
  if (Number.isNaN(length)) throw new Error('a call without a content-length')
  return length
}

function answer(socket: Socket, stream: StreamBytes): void {
  if (mode.kind === 'json') {
    socket.write(JSON_ANSWER)
    return
  }
  socket.write(stream.head)
  if (mode.paceMs === 0) new FastStream(socket, stream).run()
  else sendPaced(socket, stream, mode.paceMs)
}

function sendPaced(socket: Socket, { chunks }: StreamBytes, paceMs: number): void {
  let at = 0
  const send = (): void => {
    const chunk = chunks[at++]
    if (chunk !== undefined) socket.write(chunk)
    if (at >= chunks.length || socket.destroyed) clearInterval(timer)
  }
  const timer = setInterval(send, paceMs)
  send()
}

/** Sends one chunk a turn of the event loop, so that streams take turns and each chunk is one write. */
class FastStream {
  readonly #socket: Socket
  readonly #chunks: readonly Buffer[]
  #at = 0

  constructor(socket: Socket, { chunks }: StreamBytes) {
    this.#socket = socket
    this.#chunks = chunks
  }

  readonly run = (): void => {
    const chunk = this.#chunks[this.#at++]
    if (chunk === undefined || this.#socket.destroyed) return
    if (this.#socket.write(chunk)) setImmediate(this.run)
    else this.#socket.once('drain', this.run)
  }
}

const listening = new Promise<UpstreamReady>((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve({ port: (server.address() as AddressInfo).port }))
})

answerParent((next: UpstreamMode) => {
  mode = next
  return listening
})
