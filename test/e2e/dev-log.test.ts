/** The terminal of `npm run dev` while clients use the gateway, also clients that leave and streams that break. */
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type OfflineGateway, startOfflineGateway } from '../support/node/offline-gateway.ts'
import { rawPost } from '../support/node/raw-client.ts'

const SECRET = 'sk-gw-LocalOffline-ForThisMachineOnlyNotSecret0xan2N'

const CHAT = { model: 'o3-mini', messages: [{ role: 'user', content: 'Hi' }] }
const STREAM = { ...CHAT, stream: true }

const WEATHER = {
  type: 'function',
  name: 'get_weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
}

/** The time-outs are short, so that a hang ends within a test. */
const VARS = ['--var', 'UPSTREAM_TIMEOUT_SECONDS:2', '--var', 'STREAM_KEEPALIVE_SECONDS:1']

/** The gateway asks for the log of a call after 1 s. Its request ends then, and the runtime reports what is left open. */
const SETTLED_MS = 3_000

const EXPECTED_LINES = [
  /^$/,
  /^\[wrangler:info\] (GET|POST) \S+ \d{3} [\w ]+ \(\d+ms\)$/,
  /^\{"level":"info","event":"request",.*\}$/,
  // Wrangler frames a line that is logged as a warning.
  /^▲ \[WARNING\] \{"level":"warn",.*\}$/,
  /^simulator: client left after \d+ chunks$/,
]

let gateway: OfflineGateway
beforeAll(async () => {
  gateway = await startOfflineGateway({ extraArguments: VARS })
})
afterAll(async () => {
  await gateway.stop()
})

it('says at the start where to call, which credentials work, and that o3-mini has ended', () => {
  for (const text of ['/v1', SECRET, '/console', `MODELS='{"o3-mini":"openai/gpt-6-luna"}'`])
    expect(gateway.output()).toContain(text)
})

/** The lines of an output that match none of the patterns. */
function strayLines(output: string, patterns: readonly RegExp[]): string[] {
  const lines = stripVTControlCharacters(output).split('\n')
  return lines.filter((line) => !patterns.some((expected) => expected.test(line.trim())))
}

function post(path: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(gateway.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })
}

async function untilLogged(pattern: RegExp): Promise<void> {
  await vi.waitFor(() => expect(gateway.output()).toMatch(pattern), { timeout: 10_000, interval: 50 })
}

it('shows the banner without a warning', () => {
  expect(gateway.output()).toContain('o3-mini gateway, offline')
  expect(gateway.output()).not.toMatch(/WARNING|ERROR/)
})

it.each<[name: string, use: () => Promise<void>]>([
  [
    'a Responses stream with tools',
    async () => {
      const response = await post('/v1/responses', {
        model: 'o3-mini',
        input: 'Weather?',
        stream: true,
        tools: [WEATHER],
      })
      expect(await response.text()).toContain('response.completed')
      await untilLogged(/"route":"\/v1\/responses".*"outcome":"completed"/)
    },
  ],
  [
    'a scripted cut of a stream',
    async () => {
      const response = await post('/v1/chat/completions', { ...STREAM, simulate: { cut: 5 } })
      expect(await response.text()).toContain('"error"')
      await untilLogged(/"outcome":"upstream_failed"/)
    },
  ],
  [
    'a scripted cut of a JSON answer, a scripted rejection and a call without a log',
    async () => {
      expect((await post('/v1/chat/completions', { ...CHAT, simulate: { cut: 1 } })).status).toBe(502)
      expect((await post('/v1/chat/completions', { ...CHAT, simulate: { throw: 'broken' } })).status).toBe(
        502,
      )
      expect(
        await (await post('/v1/chat/completions', { ...STREAM, simulate: { usage: null } })).text(),
      ).toContain('[DONE]')
    },
  ],
  [
    'a client that resets its connection in the middle of a stream',
    async () => {
      const client = rawPost(`${gateway.url}/v1/chat/completions`, SECRET, {
        ...STREAM,
        simulate: { chunks: 1_000 },
      })
      await client.until(/data: \{/)
      client.reset()
      await untilLogged(/"outcome":"client_closed"/)
    },
  ],
  [
    'a client that times out in a stream that hangs',
    async () => {
      const signal = AbortSignal.timeout(1_500)
      const read = async (): Promise<string> =>
        (await post('/v1/chat/completions', { ...STREAM, simulate: { hang: 'headers' } }, signal)).text()
      await expect(read()).rejects.toThrow(/timeout/)
      await untilLogged(/simulator: client left after 0 chunks/)
    },
  ],
  [
    'a client that resets its connection before a JSON answer that hangs',
    async () => {
      const client = rawPost(`${gateway.url}/v1/chat/completions`, SECRET, {
        ...CHAT,
        simulate: { hang: 'headers' },
      })
      setTimeout(() => client.reset(), 500)
      await client.closed
      await untilLogged(/"status":504/)
    },
  ],
  [
    'clients that reset their connections before an ordinary JSON answer',
    async () => {
      for (let i = 0; i < 10; i++) {
        const client = rawPost(`${gateway.url}/v1/chat/completions`, SECRET, {
          ...CHAT,
          simulate: { thinkMs: 50 * i },
        })
        setTimeout(() => client.reset(), 200)
        await client.closed
      }
    },
  ],
])('has only the expected lines after %s', async (_, use) => {
  const { length } = gateway.output()
  await use()
  await sleep(SETTLED_MS)
  const added = gateway.output().slice(length)
  expect(strayLines(added, EXPECTED_LINES)).toEqual([])
})
