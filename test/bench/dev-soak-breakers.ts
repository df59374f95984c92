/** The rude clients of the dev soak: they leave at a bad moment or do not speak HTTP. None of them expects an answer. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { utimesSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RawConnection, rawConnect } from '../support/node/raw-client.ts'
import { LOCAL_SECRET, type SoakClient } from './dev-soak-clients.ts'

/** The first byte of an answer comes after a few milliseconds: 300 fall before, into and after it. */
const SHORT_WAIT_MS_MAX = 300

/** A client that is still connected then is cut off. */
const PATIENCE_MS = 10_000

const STREAM = JSON.stringify({
  model: 'o3-mini',
  stream: true,
  messages: [{ role: 'user', content: 'Hi' }],
  simulate: { thinkMs: 50, chunkDelayMs: 10, chunks: 1_000 },
})

export const RUDE_CLIENTS: Readonly<Record<string, SoakClient>> = {
  /** Leaves in the middle of its upload: what ends an unguarded `wrangler dev` of before 4.130. */
  cutUpload: (url) =>
    talk(url, async (connection) => {
      await connection.write(`${head(url)}content-length: 2000000\r\n\r\n{"model":"${'x'.repeat(65_000)}`)
      await leave(connection)
    }),

  cutChunkedUpload: (url) =>
    talk(url, async (connection) => {
      await connection.write(`${head(url)}transfer-encoding: chunked\r\n\r\nfff\r\n{"model":"o3-mini"`)
      await leave(connection)
    }),

  badChunk: (url) =>
    talk(url, async (connection) => {
      await connection.write(`${head(url)}transfer-encoding: chunked\r\n\r\nnot a length\r\n{}\r\n0\r\n\r\n`)
      await wait()
    }),

  /** Leaves before the first byte of the answer, or soon after it. */
  leaveStream: (url) =>
    talk(url, async (connection) => {
      await connection.write(whole(url, STREAM))
      await leave(connection)
    }),

  /** Says that nothing more comes, and still reads. */
  halfClose: (url) =>
    talk(url, async (connection) => {
      await connection.write(whole(url, STREAM))
      connection.end()
      await sleep(1_000)
    }),

  abortFetch: async (url) => {
    const headers = { authorization: `Bearer ${LOCAL_SECRET}`, 'content-type': 'application/json' }
    const signal = AbortSignal.timeout(Math.ceil(Math.random() * SHORT_WAIT_MS_MAX))
    await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: STREAM, signal })
      .then((answer) => answer.text())
      .catch(() => {})
  },

  cutHeaders: (url) =>
    talk(url, async (connection) => {
      await connection.write(head(url))
      await leave(connection)
    }),

  /** A port scanner, or `lsof` with a curious owner. */
  knock: (url) =>
    talk(url, async () => {
      if (Math.random() < 0.5) await wait()
    }),

  garbage: (url) =>
    talk(url, async (connection) => {
      const hello = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'
      const bytes = Array.from({ length: 500 }, () => String.fromCharCode(Math.random() * 256)).join('')
      await connection.write(Math.random() < 0.5 ? hello + bytes : `${bytes}\r\n\r\n`)
      await wait()
    }),

  expectContinue: (url) =>
    talk(url, async (connection) => {
      await connection.write(`${head(url)}expect: 100-continue\r\ncontent-length: ${STREAM.length}\r\n\r\n`)
      await wait()
      if (Math.random() < 0.5) await connection.write(STREAM)
      await leave(connection)
    }),

  /** Asks for another protocol on a path of the gateway, or for wrangler's live reload. */
  upgrade: (url) =>
    talk(url, async (connection) => {
      const { host } = new URL(url)
      const path = Math.random() < 0.5 ? '/v1/responses' : '/cdn-cgi/live-reload'
      const socket = `connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n`
      const key = `sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`
      await connection.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n${socket}${key}`)
      await leave(connection)
    }),

  pipeline: (url) =>
    talk(url, async (connection) => {
      await connection.write(whole(url, STREAM).repeat(3))
      await leave(connection)
    }),

  killedCurl: async (url) => {
    const curl = spawn(
      'curl',
      ['-sN', `${url}/v1/chat/completions`, '-H', `authorization: Bearer ${LOCAL_SECRET}`]
        .concat(['-H', 'content-type: application/json', '-d', STREAM])
        .concat(Math.random() < 0.5 ? ['--limit-rate', '1k'] : []),
      { stdio: 'ignore' },
    )
    await wait()
    await kill(curl)
  },
}

/** What happens to the server itself. */
export const DISTURBANCES: Readonly<Record<string, (pid: number | undefined) => void>> = {
  /** Reloads the worker the first time only: the code is the same. */
  saveSource() {
    utimesSync('src/local/worker.ts', new Date(), new Date())
  },
  /** Reloads the worker each time. */
  saveConfig() {
    utimesSync('wrangler.toml', new Date(), new Date())
  },
  resizeTerminal(pid) {
    if (pid !== undefined) process.kill(pid, 'SIGWINCH')
  },
}

async function talk(url: string, act: (connection: RawConnection) => Promise<void>): Promise<void> {
  const connection = rawConnect(url)
  const timer = setTimeout(() => connection.reset(), PATIENCE_MS)
  try {
    await act(connection)
  } finally {
    clearTimeout(timer)
    connection.reset()
    await connection.closed
  }
}

/** By FIN and a moment later by RST, or by RST at once. */
async function leave(connection: RawConnection): Promise<void> {
  await wait()
  if (Math.random() < 0.5) connection.end()
  await sleep(20)
}

async function wait(): Promise<void> {
  await sleep(Math.random() * SHORT_WAIT_MS_MAX)
}

/** Without the empty line that ends it. */
function head(url: string): string {
  const { host } = new URL(url)
  const key = `authorization: Bearer ${LOCAL_SECRET}\r\n`
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: ${host}\r\n${key}content-type: application/json\r\n`
}

function whole(url: string, body: string): string {
  return `${head(url)}content-length: ${body.length}\r\n\r\n${body}`
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
