/** AI Gateway's log of the simulated calls, over each way by which the gateway reads it. */
import { createExecutionContext, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Bindings } from '../../../src/accounts/objects.ts'
import { localBinding } from '../../../src/local/binding.ts'
import { GatewayLogs } from '../../../src/local/gateway-logs.ts'
import { DELAY_MS_MAX } from '../../../src/local/script.ts'
import { Simulator } from '../../../src/local/simulator.ts'
import type { UpstreamBinding } from '../../../src/upstream/call.ts'

const AT_ONCE = { firstByteDelayMs: 0, thinkMs: 0, chunkDelayMs: 0 }
const HELLO = { messages: [{ role: 'user', content: 'Hello there!' }] }
const WHOLE_ENTRY = { tokens_in: 6, tokens_out: expect.any(Number), cached: false }
const NOT_FOUND = 'AiGatewayLogNotFound'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

async function answerOf(
  binding: UpstreamBinding,
  simulate: object,
  request: object = {},
  signal = new AbortController().signal,
): Promise<Response> {
  const inputs = { ...HELLO, ...request, simulate: { ...AT_ONCE, ...simulate } }
  const options = { returnRawResponse: true, gateway: { id: 'default' }, signal } as const
  return (await binding.run('openai/o3-mini', inputs, options)) as Response
}

function logIdOf({ headers }: Response): string {
  return headers.get('cf-aig-log-id') ?? ''
}

async function readLog(binding: UpstreamBinding, logId: string): Promise<unknown> {
  return (await binding.gateway('default')).getLog(logId)
}

type Read = (logId: string) => Promise<unknown>

const readers: [string, Read][] = [
  ['the wrapped binding', (logId) => readLog(localBinding(exports.Simulator), logId)],
  ['the service binding', (logId) => readLog(env.AI, logId)],
  [
    'the service binding in a Durable Object',
    (logId) => runInDurableObject(env.ACCOUNTS.getByName('log-reader'), () => readLog(env.AI, logId)),
  ],
]

describe.each(readers)('the log through %s', (_, read) => {
  /** Answers a call to its end, and returns its log id. */
  async function logged(simulate: object, request: object = {}): Promise<string> {
    const answer = await answerOf(env.AI, simulate, request)
    await answer.text()
    return logIdOf(answer)
  }

  it('has the tokens of a call at once, and no entry of an unknown call', async () => {
    const id = await logged({ usage: { prompt_tokens: 5, completion_tokens: 9 } })
    expect(await read(id)).toEqual({ id, tokens_in: 5, tokens_out: 9, cached: false })
    await expect(read('unknown')).rejects.toThrow(NOT_FOUND)
  })

  it('has a late entry when its delay is over, and not a millisecond before', async () => {
    const nowMs = 1_800_000_000_000
    vi.useFakeTimers({ now: nowMs, toFake: ['Date'] })
    const id = await logged({ log: { delayMs: DELAY_MS_MAX } })
    vi.setSystemTime(nowMs + DELAY_MS_MAX - 1)
    await expect(read(id)).rejects.toThrow(NOT_FOUND)
    vi.setSystemTime(nowMs + DELAY_MS_MAX)
    expect(await read(id)).toMatchObject({ id, ...WHOLE_ENTRY })
  })

  it('never has a missing entry', async () => {
    vi.useFakeTimers({ now: Date.now(), toFake: ['Date'] })
    const id = await logged({ log: { missing: true } })
    vi.setSystemTime(Date.now() + DELAY_MS_MAX)
    await expect(read(id)).rejects.toThrow(NOT_FOUND)
  })

  it('leaves the read of a hanging entry pending, and no other read', async () => {
    const [hanging, other] = [await logged({ log: { hang: true } }), await logged({})]
    const states: string[] = []
    void read(hanging).then(
      () => states.push('found'),
      () => states.push('failed'),
    )
    for (let count = 0; count < 5; count++) expect(await read(other)).toMatchObject(WHOLE_ENTRY)
    expect(states).toEqual([])
  })

  it.each([
    { tokens_in: '12' },
    { tokens_in: -1, tokens_out: 1.5 },
    { tokens_in: null, tokens_out: null },
    { cached: true },
    { cost: 0.5, metadata: { tries: [1, 2] } },
  ])('has the scripted fields in the place of its own: %j', async (entry) => {
    const id = await logged({ log: { entry } })
    expect(await read(id)).toEqual({ id, ...WHOLE_ENTRY, ...entry })
  })

  it('says that an answer came from the cache', async () => {
    const headers = { 'cf-aig-cache-status': 'HIT' }
    expect(await read(await logged({ headers }))).toMatchObject({ cached: true })
    expect(await read(await logged({ headers, log: { entry: { cached: null } } }))).toMatchObject({
      cached: null,
    })
  })

  it('has no entry of a call without a usage, unless the script describes the entry', async () => {
    await expect(read(await logged({ usage: null }))).rejects.toThrow(NOT_FOUND)
    expect(await read(await logged({ usage: null, log: {} }))).toMatchObject(WHOLE_ENTRY)
  })
})

it.each([
  ['an error', { error: { shape: 'openai', status: 500 } }, {}],
  ['a call that AI Gateway must not log', {}, { collectLog: false }],
])('the log has no entry of %s, whatever the script says', async (_, ending, gatewayOptions) => {
  const answer = await env.AI.run(
    'openai/o3-mini',
    { ...HELLO, simulate: { ...AT_ONCE, ...ending, log: {} } },
    {
      returnRawResponse: true,
      gateway: { id: 'default', ...gatewayOptions },
      signal: new AbortController().signal,
    },
  )
  await expect(readLog(env.AI, logIdOf(answer as Response))).rejects.toThrow(NOT_FOUND)
})

it('an account’s failed read is no rejected RPC call, which the runtime would print as an uncaught error', async () => {
  const getLog = vi.spyOn(GatewayLogs.prototype, 'getLog')
  const reading = runInDurableObject(env.ACCOUNTS.getByName('log-reader'), (account) =>
    readLog((Reflect.get(account, 'env') as Bindings).AI, 'unknown'),
  )
  await expect(reading).rejects.toThrow(NOT_FOUND)
  expect(getLog).not.toHaveBeenCalled()
})

describe('the entry of the whole answer is kept', () => {
  const whole = { chunks: 100, usage: { prompt_tokens: 5, completion_tokens: 700 } }
  const entry = { tokens_in: 5, tokens_out: 700 }
  const stream = { stream: true }
  const read: Read = (logId) => readLog(env.AI, logId)

  it.each([
    ['a stream that breaks before its first chunk', { cut: 0 }, stream],
    ['a stream that breaks', { cut: 4 }, stream],
    ['a stream without its end mark', { end: 4 }, stream],
    ['a JSON answer that breaks', { cut: 1 }, {}],
  ])('of %s', async (_, ending, request) => {
    const answer = await answerOf(env.AI, { ...whole, ...ending }, request)
    await answer.text().catch(() => undefined)
    expect(await read(logIdOf(answer))).toMatchObject(entry)
  })

  it.each([
    ['a stream that its client left before the first chunk', { thinkMs: 60_000 }, stream, 0],
    ['a stream that its client left in its middle', { hang: 2 }, stream, 2],
    ['a JSON answer that its client left', { hang: 1 }, {}, 1],
  ])('of %s', async (_, waiting, request, chunksRead) => {
    const abort = new AbortController()
    // A signal that a test makes does not cross the binding, so the simulator is called directly.
    const binding = localBinding(new Simulator(createExecutionContext(), {}))
    const answer = await answerOf(binding, { ...whole, ...waiting }, request, abort.signal)
    const reader = answer.body?.getReader()
    for (let count = 0; count < chunksRead; count++) await reader?.read()
    abort.abort(new Error('client left'))
    await expect(reader?.read()).rejects.toThrow('client left')
    expect(await read(logIdOf(answer))).toMatchObject(entry)
  })

  it('of a stream whose body is cancelled while the model thinks', async () => {
    const answer = await answerOf(env.AI, { ...whole, thinkMs: 60_000 }, stream)
    await answer.body?.cancel()
    expect(await read(logIdOf(answer))).toMatchObject(entry)
  })
})
