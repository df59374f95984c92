/** Runs `npm run doctor`, and serves what it may meet in the place of a gateway. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The admin token of `[env.local]`. */
export const ADMIN_TOKEN = 'local-admin-token-for-this-machine-only'

export interface DoctorOutcome {
  code: number | null
  output: string
}

/** What a user runs, read from the project's scripts. `onOutput` gets all output so far. */
export function runDoctor(
  args: readonly string[],
  token: string | null = ADMIN_TOKEN,
  onOutput: (output: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<DoctorOutcome> {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { doctor: string } }
  const [, ...script] = scripts.doctor.split(' ')
  const { ADMIN_TOKEN: _other, ...env } = process.env
  const child = spawn(process.execPath, [...script, ...args], {
    env: token === null ? env : { ...env, ADMIN_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const collect = (chunk: Buffer): void => {
    output += chunk.toString()
    onOutput(output, (signal) => child.kill(signal))
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}

const closers: (() => void)[] = []

/** Closes all servers of this file that a test has started. */
export function closeServers(): void {
  for (const close of closers.splice(0)) close()
}

/** The URL of a new server. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The gateway at `url`, with other answers where `replace` gives them and returns true. */
export function serveInFront(
  url: string,
  replace: (path: string, response: ServerResponse) => boolean,
): Promise<string> {
  return serve((request, response) => {
    const { method = 'GET', url: path = '/', headers } = request
    if (replace(path, response)) return
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const type = headers['content-type']
      const forwarded = fetch(url + path, {
        method,
        headers: {
          authorization: headers.authorization ?? '',
          ...(type === undefined ? {} : { 'content-type': type }),
        },
        ...(body.byteLength === 0 ? {} : { body }),
      })
      void copyAnswer(forwarded, response)
    })
  })
}

async function copyAnswer(forwarded: Promise<Response>, response: ServerResponse): Promise<void> {
  const answer = await forwarded
  const text = await answer.text()
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
  response.end(text)
}

export function answerError(response: ServerResponse, status: number, code: string, message: string): true {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: { message, type: 'x', param: null, code } }))
  return true
}
