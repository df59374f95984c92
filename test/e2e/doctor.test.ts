/** `npm run doctor` finds nothing wrong with a good gateway, says of a bad one what to run, and leaves no key behind. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { type OfflineGateway, startOfflineGateway } from '../support/node/offline-gateway.ts'

const url = inject('gatewayUrl')
const ADMIN_TOKEN = 'local-admin-token-for-this-machine-only'

interface Outcome {
  code: number | null
  output: string
}

/** What a user runs, read from the project's scripts. `onOutput` gets all output so far. */
function runDoctor(
  args: readonly string[],
  token: string | null = ADMIN_TOKEN,
  onOutput: (output: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<Outcome> {
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
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The gateway, with other answers at some paths. */
function serveInFront(replace: (path: string, response: ServerResponse) => boolean): Promise<string> {
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

function answerError(response: ServerResponse, status: number, code: string, message: string): true {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: { message, type: 'x', param: null, code } }))
  return true
}

async function expectNoKey(output: string): Promise<void> {
  const id = /made the key (\w{12})/.exec(output)?.[1]
  const answer = await fetch(`${url}/admin/keys/${id}`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  expect(await answer.text()).toContain('"key_not_found"')
}

describe('with a good gateway', () => {
  it('passes every check, deletes its key and prints no secret', async () => {
    const { code, output } = await runDoctor([`${url}/v1`])
    const names = ['health', 'admin token', 'directory', 'KV', 'account', 'call', 'stream', 'limits']
    for (const name of [...names, 'key deleted', 'old secret'])
      expect(output).toMatch(new RegExp(`^ok +${name} `, 'm'))
    expect(output).toMatch(/first byte after \d+ ms/)
    expect([code, output.trimEnd().endsWith('10 ok, 0 wrong')]).toEqual([0, true])
    expect(output).not.toMatch(/sk-gw-|local-admin-token/)
    await expectNoKey(output)
  })

  it('deletes its key when it is stopped in a call', async () => {
    const hanging = await serveInFront((path) => path === '/v1/chat/completions')
    let isStopped = false
    const { code, output } = await runDoctor([hanging], ADMIN_TOKEN, (soFar, kill) => {
      if (isStopped || !/^ok +account/m.test(soFar)) return
      isStopped = true
      kill('SIGINT')
    })
    expect(code).toBe(130)
    expect(output).toMatch(/^ok +key deleted/m)
    await expectNoKey(output)
  })

  it('refuses a wrong token and says how to set one', async () => {
    const { code, output } = await runDoctor([url], 'a-wrong-token-of-thirty-two-characters')
    expect(code).toBe(1)
    expect(output).toMatch(
      /^WRONG +admin token +401 invalid_admin_token.*\n.*wrangler secret put ADMIN_TOKEN/m,
    )
    expect(output).toContain(
      'not checked: directory, KV, account, call, stream, limits, key deleted, old secret',
    )
    expect(output).not.toContain('a-wrong-token')
  })

  it('says how to give the token where there is none, and calls nothing', async () => {
    let calls = 0
    const counting = await serve((_, response) => {
      calls += 1
      response.end()
    })
    const { code, output } = await runDoctor([counting], null)
    expect([code, calls]).toEqual([1, 0])
    expect(output).toContain('read -rs ADMIN_TOKEN && export ADMIN_TOKEN')
  })

  it('prints nothing of a token that no header takes', async () => {
    const { code, output } = await runDoctor([url], 'half-a-token\nother-half')
    expect([code, output.includes('Copy it again')]).toEqual([1, true])
    expect(output).not.toMatch(/half/)
  })

  it('takes no token as an argument', async () => {
    const { code, output } = await runDoctor([url, 'a-token'], null)
    expect([code, output.includes('Usage: npm run doctor -- https://')]).toEqual([1, true])
  })
})

describe('with a wrong address', () => {
  it('sends no token over http to another machine', async () => {
    const { code, output } = await runDoctor(['http://gateway.example'])
    expect([code, output.includes('Use https://')]).toEqual([1, true])
  })

  it('says that nothing listens', async () => {
    const gone = await serve(() => {})
    for (const close of closers.splice(0)) close()
    const { code, output } = await runDoctor([gone])
    expect(code).toBe(1)
    expect(output).toMatch(/^WRONG +health +no connection: ECONNREFUSED/m)
  })

  it('says that a page is no gateway, and sends it no token', async () => {
    const authorizations: unknown[] = []
    const page = await serve(({ headers }, response) => {
      authorizations.push(headers.authorization)
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html><title>Hello</title></html>')
    })
    const { code, output } = await runDoctor([page])
    expect(code).toBe(1)
    expect(output).toMatch(/^WRONG +health +200 with text\/html, which is no answer of this gateway/m)
    expect(authorizations).toEqual([undefined])
  })

  it('does not follow a redirect with the token', async () => {
    const front = await serveInFront((path, response) => {
      if (path === '/health') return false
      response.writeHead(302, { location: 'https://login.example/' }).end()
      return true
    })
    const { code, output } = await runDoctor([front])
    expect(code).toBe(1)
    expect(output).toMatch(/^WRONG +admin token +a redirect \(302\) to https:\/\/login\.example\//m)
  })
})

describe('with a gateway that is not set up', () => {
  it.each([
    ['admin token', '/admin/keys?limit=1', 403, 'admin_off', 'wrangler secret put ADMIN_TOKEN'],
    ['directory', '/admin/keys?limit=1', 503, 'keys_unavailable', 'npx wrangler tail'],
    ['health', '/health', 500, 'misconfigured', 'npm run deploy'],
  ])('says what is wrong with %s', async (name, path, status, code, advice) => {
    const front = await serveInFront(
      (asked, response) => asked === path && answerError(response, status, code, 'as simulated'),
    )
    const outcome = await runDoctor([front])
    expect(outcome.code).toBe(1)
    expect(outcome.output).toMatch(
      new RegExp(`^WRONG +${name} +${status} ${code}: as simulated\\n.*${advice}`, 'm'),
    )
  })

  it('says that KV fails, and goes on with the other checks', async () => {
    const front = await serveInFront(
      (path, response) =>
        /^\/admin\/keys\/[0-9a-f]{12}$/.test(path) &&
        answerError(response, 503, 'keys_unavailable', 'as simulated'),
    )
    const { code, output } = await runDoctor([front])
    expect(code).toBe(1)
    expect(output).toMatch(/^WRONG +KV +503 keys_unavailable/m)
    expect(output).toContain('9 ok, 1 wrong')
  })
})

describe('with an upstream that fails', () => {
  let gateway: OfflineGateway
  let upstream: RequestListener = (_, response) => response.end()
  let closeUpstream = (): void => {}

  beforeAll(async () => {
    const upstreamUrl = await serve((request, response) => upstream(request, response))
    const [close] = closers.splice(0)
    closeUpstream = close ?? closeUpstream
    gateway = await startOfflineGateway({ extraArguments: ['--var', `LOCAL_UPSTREAM_URL:${upstreamUrl}`] })
  })
  afterAll(async () => {
    await gateway.stop()
    closeUpstream()
  })

  it.each([
    ['has no credit', 429, 'insufficient_quota', '429 insufficient_quota', 'Load credit'],
    ['has no such model', 404, 'model_not_found', '404 model_not_found', "MODELS = '"],
    ['refuses the gateway', 401, 'invalid_api_key', '500: ', 'AI_GATEWAY_ID'],
    ['breaks', 500, 'server_error', '502 upstream_error', 'npx wrangler tail'],
  ])('says what to run where it %s', async (_, status, code, wrong, advice) => {
    upstream = (_request, response) => answerError(response, status, code, 'as simulated')
    const outcome = await runDoctor([gateway.url])
    expect(outcome.code).toBe(1)
    const line = new RegExp(`^WRONG +call +${wrong}.*\\n +▸ .*${advice}`, 'm')
    expect(outcome.output).toMatch(line)
    expect(outcome.output).toMatch(/^- +not checked: stream$/m)
    expect(outcome.output).toMatch(/^ok +limits/m)
    expect(outcome.output).toMatch(/^ok +key deleted/m)
  })

  it('says that a stream broke', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
    upstream = (request, response) => {
      let text = ''
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      request.on('end', () => {
        if (!(JSON.parse(text) as { stream?: boolean }).stream) {
          const choices = [
            { index: 0, message: { role: 'assistant', content: 'Yes' }, finish_reason: 'stop' },
          ]
          response.writeHead(200, { 'content-type': 'application/json' })
          response.end(JSON.stringify({ id: 'x', object: 'chat.completion', choices, usage }))
          return
        }
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: {"id":"x","choices":[{"index":0,"delta":{"content":"Ye"}}]}\n\n', () =>
          response.destroy(),
        )
      })
    }
    const { code, output } = await runDoctor([gateway.url])
    expect(code).toBe(1)
    expect(output).toMatch(/^ok +call/m)
    expect(output).toMatch(/^WRONG +stream +the stream broke: \{"error":/m)
    expect(output).toMatch(/^ok +key deleted/m)
  })
})
