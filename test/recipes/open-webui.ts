/** Runs the recipe for Open WebUI: starts its server as the recipe says, and asks a question as its page would. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Recipe } from './recipe.ts'

/** The first start makes a database. */
const START_TIMEOUT_MS = 180_000
const CALL_TIMEOUT_MS = 60_000
/** The port in the recipe may be taken. */
const SHOWN_PORT = '--port 3000'
const ACCOUNT = { name: 'reader', email: 'reader@gateway.example', password: 'only-for-this-run-1' }

/** The answer that the page would show. @throws Error with the server's output where it does not start. */
export async function runOpenWebUi(recipe: Recipe, folder: string): Promise<string> {
  const port = await freePort()
  const { PATH = '' } = process.env
  let output = ''
  const server = spawn('sh', ['-c', recipe.text.replace(SHOWN_PORT, `--port ${port}`)], {
    cwd: folder,
    env: {
      PATH: `${join(folder, 'python/bin')}:${PATH}`,
      HOME: folder,
      DATA_DIR: folder,
      // Otherwise it loads a model for searching in documents, from a hub that this run may not reach.
      RAG_EMBEDDING_ENGINE: 'openai',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // The shell and the server are one group, so that both can be ended.
    detached: true,
  })
  server.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  server.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  try {
    const url = `http://127.0.0.1:${port}`
    if (!(await isUp(url, server))) throw new Error(`Open WebUI did not start:\n${output}`)
    const { token } = (await call(`${url}/api/v1/auths/signup`, null, ACCOUNT)) as { token: string }
    const messages = [{ role: 'user', content: 'Hello!' }]
    return JSON.stringify(await call(`${url}/api/chat/completions`, token, { model: 'o3-mini', messages }))
  } finally {
    if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, 'SIGKILL')
  }
}

async function isUp(url: string, server: ChildProcess): Promise<boolean> {
  for (const deadlineMs = Date.now() + START_TIMEOUT_MS; Date.now() < deadlineMs; await sleep(500)) {
    if (server.exitCode !== null) return false
    try {
      if ((await fetch(`${url}/health`)).ok) return true
    } catch {
      // The server does not listen yet.
    }
  }
  return false
}

async function call(url: string, token: string | null, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response.json()
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
