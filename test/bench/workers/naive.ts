/**
 * A naive gateway: the whole of zod, a counter in KV that every request gets and puts, and a stream that is parsed and
 * serialised event by event. Its key and its counter are in KV under names of its own.
 */
import { zValidator } from '@hono/zod-validator'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { z } from 'zod'

interface Env {
  AI: { run(model: string, inputs: unknown, options: object): Promise<Response> }
  KV: {
    get(key: string): Promise<string | null>
    put(key: string, value: string, options?: object): Promise<void>
  }
}

const REQUESTS_PER_MINUTE = 1_000_000_000

const chatRequest = z.looseObject({
  model: z.string(),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
        content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]).nullish(),
      }),
    )
    .min(1),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  max_completion_tokens: z.number().int().positive().nullish(),
})

const app = new Hono<{ Bindings: Env }>()

app.post('/v1/chat/completions', zValidator('json', chatRequest), async (c) => {
  const secret = c.req.header('authorization')?.replace('Bearer ', '') ?? ''
  const key = await c.env.KV.get(`naive-key:${secret}`)
  if (key === null) return c.json({ error: { message: 'Incorrect API key provided.' } }, 401)

  const counter = `naive-count:${key}:${Math.floor(Date.now() / 60_000)}`
  const count = Number((await c.env.KV.get(counter)) ?? 0)
  if (count >= REQUESTS_PER_MINUTE) return c.json({ error: { message: 'Rate limit reached.' } }, 429)
  await c.env.KV.put(counter, `${count + 1}`, { expirationTtl: 120 })

  const { model, ...inputs } = c.req.valid('json')
  const options = { returnRawResponse: true, gateway: { id: 'default' } }
  const answer = await c.env.AI.run(`openai/${model}`, inputs, options)
  // oxlint-disable-next-line no-console -- the console is how a Worker logs
  console.log(JSON.stringify({ model, status: answer.status }))
  const { body } = answer
  if (inputs.stream !== true || body === null) return c.json(await answer.json())
  return streamSSE(c, async (stream) => {
    for await (const data of eventsOf(body)) {
      await stream.writeSSE({ data: data === '[DONE]' ? data : JSON.stringify(JSON.parse(data)) })
    }
  })
})

async function* eventsOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = ''
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + text).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) yield event.replace(/^data: /, '')
  }
}

export { Directory, KeyAccount } from './objects.ts'

export default app
