/** A stream whose model thinks after its first event stays open until its first output, over the real class and sockets. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CHAT, RESPONSES, useContractGateway } from '../support/node/contract-gateway.ts'
import { streamAnswer } from '../support/node/upstream-answer.ts'

const COMMENT = ': keep-alive\n\n'
const ERROR_EVENT = /^\n\n(event: error\n)?data: \{[^\n]*"code":"timeout"[^\n]*\}\n\n$/

/** `outputAt` is the index of the first event with output. The events of a response's reasoning item are before it. */
const chat = { api: CHAT, events: eventsOf('chat-completion-stream.sse'), outputAt: 1 }
const response = { api: RESPONSES, events: eventsOf('response-stream.sse'), outputAt: 4 }
const STREAMS = [
  { ...chat, name: 'a chat stream that is piped natively', METER_STREAMS: 'never' },
  { ...chat, name: 'a chat stream that is metered', METER_STREAMS: 'always' },
  { ...response, name: 'a response stream that is piped natively', METER_STREAMS: 'never' },
  { ...response, name: 'a response stream that is metered', METER_STREAMS: 'always' },
]

function eventsOf(fixture: string): string[] {
  return readFileSync(new URL(`../support/fixtures/${fixture}`, import.meta.url), 'utf8').split(/(?<=\n\n)/)
}

/** Asks a chat stream for its usage event, so that it arrives byte for byte. */
const asked = { stream: true, stream_options: { include_usage: true } }

/** The reading of an answer, step by step. */
function textOf(answer: Response) {
  const reader = (answer.body ?? new ReadableStream<Uint8Array>()).getReader()
  const decoder = new TextDecoder()
  let text = ''
  return {
    /** Reads until the text has `part` so many times, or to the end. Returns the text so far. */
    async until(part: string, times = 1): Promise<string> {
      while (text.split(part).length <= times) {
        const { done, value } = await reader.read()
        if (done) break
        text += decoder.decode(value, { stream: true })
      }
      return text
    },
    async toEnd(): Promise<string> {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        text += decoder.decode(next.value, { stream: true })
      }
      return text
    },
  }
}

/** An answer that sends `before`, and `after` once the test lets it go on. */
function heldAnswer(before: string, after: string) {
  const held = Promise.withResolvers<void>()
  async function* body(): AsyncGenerator<string> {
    yield before
    await held.promise
    yield after
  }
  return { answer: streamAnswer(body()), goOn: held.resolve }
}

describe.each(STREAMS)('$name', ({ api, events, outputAt, METER_STREAMS }) => {
  const before = events.slice(0, outputAt).join('')
  const after = events.slice(outputAt).join('')

  describe('and whose model thinks after its first event', () => {
    const vars = { METER_STREAMS, STREAM_KEEPALIVE_SECONDS: '1', STREAM_IDLE_SECONDS: '1' }
    const contract = useContractGateway(vars, api)

    it('gets comments between events until its first output, and is not cut as idle', async () => {
      const cut = heldAnswer(before + after.slice(0, 40), after.slice(40))
      const cutText = textOf(await contract.complete(cut.answer, asked))
      await cutText.until(events[outputAt - 1] ?? '')
      const whole = heldAnswer(before, after)
      const response = await contract.complete(whole.answer, asked)
      const text = textOf(response)
      expect(await text.until(COMMENT, 2)).toContain(before + COMMENT)
      // The stream that stands within an event has now been silent for longer than the other one.
      cut.goOn()
      expect((await cutText.toEnd()).endsWith(before + after)).toBe(true)
      whole.goOn()
      expect((await text.toEnd()).endsWith(COMMENT + after)).toBe(true)
      expect((await text.toEnd()).replaceAll(COMMENT, '')).toBe(before + after)
      expect(await contract.logLine(response)).toMatchObject({ outcome: 'completed' })
    })
  })

  describe('and has UPSTREAM_TIMEOUT_SECONDS', () => {
    const vars = { METER_STREAMS, STREAM_KEEPALIVE_SECONDS: '1', UPSTREAM_TIMEOUT_SECONDS: '2' }
    const contract = useContractGateway(vars, api)

    it('times out before its first output, and not after it', async () => {
      const output = events[outputAt] ?? ''
      const answering = heldAnswer(before + output, after.slice(output.length))
      const text = textOf(await contract.complete(answering.answer, asked))
      await text.until(output)

      const { tag, body } = contract.prepare(streamAnswer([before], 'hang'), asked)
      const thinking = await contract.post(body)
      const timedOut = (await thinking.text()).replaceAll(COMMENT, '')
      expect(timedOut.slice(0, before.length)).toBe(before)
      expect(timedOut.slice(before.length)).toMatch(ERROR_EVENT)
      expect((await (await contract.upstream.call(tag)).ended).by).toBe('caller')
      expect(await contract.logLine(thinking)).toMatchObject({ outcome: 'upstream_failed' })

      // This stream began before the other one, which has had its whole time.
      answering.goOn()
      expect((await text.toEnd()).replaceAll(COMMENT, '')).toBe(before + after)
    })
  })
})
