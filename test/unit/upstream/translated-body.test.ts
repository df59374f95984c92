/** A stream in the caller's format: it is read, broken and cancelled as the upstream's own is. */
import { describe, expect, it } from 'vitest'
import { responsesOverChat } from '../../../src/upstream/translate/translation.ts'
import { translatedBody } from '../../../src/upstream/translated-body.ts'

const CHUNKS = [
  { choices: [{ index: 0, delta: { role: 'assistant', content: 'Hi' } }] },
  { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
].map((chunk) => `data: ${JSON.stringify({ id: 'chatcmpl-1', created: 1, model: 'm', ...chunk })}\n\n`)
const DONE = 'data: [DONE]\n\n'

/** An upstream that sends these texts and then ends, breaks or hangs. It counts what is read, and knows who cancelled it. */
function upstream(texts: readonly string[], end: 'close' | 'break' | 'hang') {
  const seen = { read: 0, cancelled: null as unknown }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const text = texts[seen.read]
        if (text !== undefined) controller.enqueue(new TextEncoder().encode(text))
        else if (end === 'close') controller.close()
        else if (end === 'break') controller.error(new Error('broken'))
        else return new Promise(() => undefined)
        seen.read += 1
      },
      cancel: (reason) => void (seen.cancelled = reason),
    },
    { highWaterMark: 0 },
  )
  return { body, seen }
}

function translatedOf(body: ReadableStream<Uint8Array>, signal = new AbortController().signal) {
  return translatedBody(body, responsesOverChat.stream({ input: 'Hi' }), signal)
}

async function textOf(body: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(body).text()
}

describe('a translated body', () => {
  it('ends with the upstream’s last event', async () => {
    const { body } = upstream([...CHUNKS, DONE], 'close')
    expect(await textOf(translatedOf(body))).toMatch(/event: response\.completed\n.*\n\n$/)
  })

  it('breaks where the upstream breaks, also after its output', async () => {
    const reader = translatedOf(upstream(CHUNKS, 'break').body).getReader()
    const read = async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read()) void next
    }
    await expect(read()).rejects.toThrow('broken')
  })

  it('breaks where the upstream ends without its last event', async () => {
    await expect(textOf(translatedOf(upstream(CHUNKS, 'close').body))).rejects.toThrow('incomplete')
    await expect(textOf(translatedOf(upstream([], 'close').body))).rejects.toThrow('incomplete')
  })

  it('reads the upstream only as it is read itself', async () => {
    const { body, seen } = upstream([...CHUNKS, DONE], 'close')
    const reader = translatedOf(body).getReader()
    expect(seen.read).toBe(0)
    await reader.read()
    expect(seen.read).toBe(1)
  })

  it('cancels the upstream with the reason, also in the middle of a read', async () => {
    const { body, seen } = upstream([], 'hang')
    const reader = translatedOf(body).getReader()
    const reading = reader.read()
    await reader.cancel('the client has closed')
    expect([await reading, seen.cancelled]).toMatchObject([{ done: true }, 'the client has closed'])
  })

  it('ends where the call is cancelled, and leaves no rejection behind', async () => {
    const call = new AbortController()
    const { body } = upstream(CHUNKS, 'break')
    call.abort()
    expect(await textOf(translatedOf(body, call.signal))).toContain('response.created')
  })
})
