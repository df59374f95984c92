/** A client with its own socket can reset its connection at any byte, unlike `fetch`. */
import { connect } from 'node:net'

export interface RawClient {
  /** Returns all bytes received so far: status line, headers and raw body. */
  received(): string
  /** Resolves when the received text matches. Rejects if the connection ends first. */
  until(pattern: RegExp): Promise<string>
  /** Sends an RST, as a killed client does. */
  reset(): void
  /** Resolves with everything received, however the connection ended. */
  closed: Promise<string>
}

/** A connection that has sent nothing yet. */
export interface RawConnection extends RawClient {
  /** Sends text as Latin-1, one byte per character. Resolves when the bytes are flushed. */
  write(bytes: string | Uint8Array): Promise<void>
  /** Sends a FIN, after which the client still reads the answer. */
  end(): void
}

/** Sends a `POST` with a JSON body. */
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
  // The `close` event that follows reports the end.
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
    // If the other side has closed, `closed` reports it.
    write: (bytes) => new Promise((resolve) => socket.write(bytes, 'latin1', () => resolve())),
    end: () => void socket.end(),
    closed,
  }
}
