/** A client that owns its socket: it can break its connection at any byte, which `fetch` cannot. */
import { connect } from 'node:net'

export interface RawClient {
  /** All that came so far: status line, headers and body as they stood on the wire. */
  received(): string
  /** Resolves when what came fits; rejects when the connection ends before. */
  until(pattern: RegExp): Promise<string>
  /** RST: what a client that is killed sends. */
  reset(): void
  /** Settles with everything that came, however the connection ended. */
  closed: Promise<string>
}

/** A connection that has said nothing yet. */
export interface RawConnection extends RawClient {
  /** Text is Latin-1: a character is a byte. Resolves when the bytes are on their way. */
  write(bytes: string | Uint8Array): Promise<void>
  /** FIN: nothing more will be said, but an answer is welcome. */
  end(): void
}

/** `POST` with a JSON body. */
export function rawPost(url: string, secret: string, body: unknown): RawClient {
  const { host, pathname } = new URL(url)
  const text = JSON.stringify(body)
  const client = rawConnect(url)
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${host}`,
    `authorization: Bearer ${secret}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(text)}`,
  ]
  void client.write(Buffer.from([...head, '', text].join('\r\n')))
  return client
}

export function rawConnect(url: string): RawConnection {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  let received = ''
  const watchers = new Set<() => void>()
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk
    for (const watch of watchers) watch()
  })
  // The close that follows says all there is to say.
  socket.on('error', () => {})
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(received)))
  return {
    received: () => received,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const watch = (): void => {
          if (!pattern.test(received)) return
          watchers.delete(watch)
          resolve(received)
        }
        watchers.add(watch)
        watch()
        void closed.then(() => reject(new Error(`the connection ended with:\n${received}`)))
      }),
    reset: () => void socket.resetAndDestroy(),
    // Where the other side has closed, that says it.
    write: (bytes) => new Promise((resolve) => socket.write(bytes, 'latin1', () => resolve())),
    end: () => void socket.end(),
    closed,
  }
}
