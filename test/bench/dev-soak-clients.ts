/** The well-behaved clients of the dev soak. Each rejects where it does not get what it was promised. */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'

/** As the README prints it. */
export const LOCAL_SECRET = 'sk-gw-LocalOffline-ForThisMachineOnlyNotSecret0xan2N'

/** Longer than any answer of these clients takes on a busy machine. */
const PATIENCE_MS = 30_000

/** The idle time-out of both ends of wrangler's inner connection. */
const INNER_IDLE_MS = 5_000

/** `url` is without `/v1`. */
export type SoakClient = (url: string) => Promise<void>

const model = 'o3-mini'
const messages: OpenAI.Chat.ChatCompletionMessageParam[] = [{ role: 'user', content: 'What is a gateway?' }]
const headers = { authorization: `Bearer ${LOCAL_SECRET}`, 'content-type': 'application/json' }

const RUN: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'run_command',
  strict: true,
  parameters: {
    type: 'object',
    properties: { command: { type: 'string' } },
    required: ['command'],
    additionalProperties: false,
  },
}

export const POLITE_CLIENTS: Readonly<Record<string, SoakClient>> = {
  async chatJson(url) {
    const { choices } = await sdk(url).chat.completions.create({ model, messages, ...simulate({}) })
    expectThat(choices[0]?.message.content !== undefined, 'an answer')
  },

  async chatStream(url) {
    const chunks = await sdk(url).chat.completions.create({
      model,
      messages,
      stream: true,
      ...simulate({ chunkDelayMs: 10 }),
    })
    let finish: string | null | undefined
    for await (const chunk of chunks) finish = chunk.choices[0]?.finish_reason ?? finish
    expectThat(finish === 'stop', 'the end of the stream')
  },

  /** An agent: a streamed call of a tool, a pause while the tool runs, and the tool's output in the next request. */
  async agent(url) {
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'List the files.' }]
    for (const toolChoice of ['required', 'required', 'none'] as const) {
      const stream = await sdk(url).responses.create({
        model,
        input,
        tools: [RUN],
        tool_choice: toolChoice,
        stream: true,
        ...simulate({}),
      })
      let output: OpenAI.Responses.ResponseOutputItem[] | undefined
      for await (const event of stream)
        if (event.type === 'response.completed') output = event.response.output
      if (output === undefined) throw new Error('no response.completed')
      for (const item of output) {
        if (item.type !== 'function_call') continue
        input.push(item, {
          type: 'function_call_output',
          call_id: item.call_id,
          output: 'a.txt\n'.repeat(500),
        })
      }
      await sleep(Math.random() * 1_000)
    }
  },

  async scriptedCut(url) {
    const chunks = await sdk(url).chat.completions.create({
      model,
      messages,
      stream: true,
      ...simulate({ cut: 5, chunks: 50 }),
    })
    await rejectsWhile(async () => {
      for await (const _ of chunks);
    })
  },

  async scriptedError(url) {
    const shapes = ['openai', 'cloudflare_errors', 'cloudflare_internal', 'text', 'html', 'empty']
    const error = { shape: shapes[Math.floor(Math.random() * shapes.length)], status: 500 }
    await rejectsWhile(() => sdk(url).chat.completions.create({ model, messages, ...simulate({ error }) }))
  },

  async hangAndTimeout(url) {
    const hang = Math.random() < 0.5 ? 'headers' : 2
    const options = { signal: AbortSignal.timeout(1_500) }
    const body = { model, messages, stream: true as const, ...simulate({ hang }) }
    const ended = (async () => {
      for await (const _ of await sdk(url).chat.completions.create(body, options));
    })()
    // The SDK ends an aborted stream without an error, and rejects where no headers have come.
    await ended.catch(() => {})
    expectThat(options.signal.aborted, 'an answer that hangs')
  },

  /** One connection for many requests. */
  async keptConnection(url) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      for (let number = 0; number < 5; number++) {
        const body = JSON.stringify({ model, messages, ...simulate({}) })
        expectThat((await post(`${url}/v1/chat/completions`, agent, body)) === 200, 'status 200')
        await sleep(Math.random() * 2_000)
      }
    } finally {
      agent.destroy()
    }
  },

  async bigBody(url) {
    const answer = await send(url, JSON.stringify({ model, messages: long(3_000_000), ...simulate({}) }))
    expectThat(answer.status === 200, `status 200, not ${answer.status}`)
  },

  async tooBigBody(url) {
    const answer = await send(url, JSON.stringify({ model, messages: long(6_000_000) }))
    expectThat(answer.status === 413, `status 413, not ${answer.status}`)
  },

  /** The gateway answers without having read the body. */
  async bigBodyWithoutKey(url) {
    const answer = await send(url, JSON.stringify({ model, messages: long(3_000_000) }), 'Bearer nobody')
    expectThat(answer.status === 401, `status 401, not ${answer.status}`)
  },

  async otherMethods(url) {
    for (const method of ['HEAD', 'OPTIONS', 'GET', 'DELETE', 'PUT'])
      for (const path of ['/', '/v1/models', '/v1/chat/completions', '/nowhere']) {
        const answer = await fetch(`${url}${path}`, { method, signal: AbortSignal.timeout(PATIENCE_MS) })
        await answer.arrayBuffer()
        expectThat(answer.status < 500, `no ${answer.status} to ${method} ${path}`)
      }
  },
}

/**
 * Requests with pauses of 5 s, some at once, and each on a connection of its own. Both ends of wrangler's inner
 * connection close it after 5 s without a request: a request at that moment is lost, and a bare wrangler before 4.130
 * ends. No other client may run meanwhile. Returns how many requests were lost.
 */
export async function askAfterPauses(url: string, pauses: number, hasEnded: () => boolean): Promise<number> {
  const body = JSON.stringify({ model, messages, ...simulate({}) })
  const ask = (): Promise<number | undefined> => post(`${url}/v1/chat/completions`, new Agent(), body)
  let lost = 0
  for (let number = 0; number < pauses && !hasEnded(); number++) {
    const statuses = await Promise.all(Array.from({ length: 3 }, () => ask().catch(() => 0)))
    lost += statuses.filter((status) => status !== 200).length
    await sleep(INNER_IDLE_MS - 15 + Math.random() * 20)
  }
  return lost
}

function sdk(url: string): OpenAI {
  return new OpenAI({ apiKey: LOCAL_SECRET, baseURL: `${url}/v1`, maxRetries: 0, timeout: PATIENCE_MS })
}

function simulate(script: Record<string, unknown>): object {
  return { simulate: { thinkMs: 5, chunkDelayMs: 1, ...script } }
}

function long(characters: number): object[] {
  return [{ role: 'user', content: 'word '.repeat(characters / 5) }]
}

async function send(url: string, body: string, authorization = headers.authorization): Promise<Response> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const target = `${url}/v1/chat/completions`
  const answer = await fetch(target, { method: 'POST', headers: { ...headers, authorization }, body, signal })
  await answer.arrayBuffer()
  return answer
}

async function post(url: string, agent: Agent, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers, timeout: PATIENCE_MS }, (answer) =>
      answer.resume().once('end', () => resolve(answer.statusCode)),
    )
    sent.once('error', reject).once('timeout', () => sent.destroy(new Error('no answer')))
    sent.end(body)
  })
}

async function rejectsWhile(act: () => Promise<unknown>): Promise<void> {
  const error = await act().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error === undefined) throw new Error('a scripted failure did not fail')
  if (error instanceof Error && /ECONNREFUSED/.test(String(error.cause))) throw error
}

function expectThat(isSo: boolean, promise: string): void {
  if (!isSo) throw new Error(`expected ${promise}`)
}
