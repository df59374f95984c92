/** The fast upstream, a process of its own. It answers every call of the `Ai` class with prepared bytes on a TCP socket. */
import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { answerParent } from './child.ts'
import { jsonAnswerBytes, logAnswerBytes, streamAnswerBytes } from './prepared.ts'

/** The answer to all calls from now on. `paceMs` is the time between two chunks; 0 sends as fast as the reader takes them. */
export type UpstreamMode = { kind: 'json' } | { kind: 'stream'; paceMs: number }

/** The port that the upstream listens on. */
export interface UpstreamReady {
  port: number
}

const JSON_ANSWER = jsonAnswerBytes()
const LOG_ANSWER = logAnswerBytes()
const STREAM = streamAnswerBytes()
const HEAD_END = Buffer.from('\r\n\r\n')

let mode: UpstreamMode = { kind: 'json' }

const server = createServer({ noDelay: true }, (socket) => {
  let before: Buffer = Buffer.alloc(0)
  let bodyBytesMissing = 0
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
    }
    // A connection has one call at a time, so no bytes of the next call follow before this answer.
    bodyBytesMissing -= rest.length
    if (bodyBytesMissing === 0) answer(socket)
  })
})

function contentLength(head: string): number {
  const length = Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1])
  if (Number.isNaN(length)) throw new Error('a call without a content-length')
  return length
}

function answer(socket: Socket): void {
  if (mode.kind === 'json') {
    socket.write(JSON_ANSWER)
    return
  }
  socket.write(STREAM.head)
  if (mode.paceMs === 0) new FastStream(socket).run()
  else sendPaced(socket, mode.paceMs)
}

function sendPaced(socket: Socket, paceMs: number): void {
  let at = 0
  const send = (): void => {
    const chunk = STREAM.chunks[at++]
    if (chunk !== undefined) socket.write(chunk)
    if (at >= STREAM.chunks.length || socket.destroyed) clearInterval(timer)
  }
  const timer = setInterval(send, paceMs)
  send()
}

/** Sends one chunk a turn of the event loop, so that streams take turns and each chunk is one write. */
class FastStream {
  readonly #socket: Socket
  #at = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  readonly run = (): void => {
    const chunk = STREAM.chunks[this.#at++]
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
