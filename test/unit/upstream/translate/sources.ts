/** Answers in both formats for the tests of the translator: the simulator's own, and arbitrary ones that it never gives. */
import * as fc from 'fast-check'
import { apiFormatOf } from '../../../../src/local/api-format.ts'
import { type Choice, replyTo } from '../../../../src/local/model/reply.ts'
import { seededRandom } from '../../../../src/local/model/seeded-random.ts'
import type { StreamTranslator } from '../../../../src/upstream/translate/stream-translator.ts'

export type Request = Record<string, unknown>

const CHAT_FORMAT = apiFormatOf({ messages: [] })
const RESPONSES_FORMAT = apiFormatOf({ input: [] })

export const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}
export const SHELL = { type: 'custom', custom: { name: 'shell' } }

/** The simulator's answer to a chat request, in both formats. `request` is repeated by the response. */
export function simulated(chat: Request, request: Request = {}) {
  const parsed = CHAT_FORMAT.parse({ messages: [{ role: 'user', content: 'Hello there! 🪆' }], ...chat })
  if ('refused' in parsed) throw new Error(parsed.message)
  const random = seededRandom('test')
  const envelope = CHAT_FORMAT.envelope('openai/o3-mini', random)
  const reply = replyTo(parsed, random)
  const source = { envelope, reply, random }
  const own = { ...source, request: chat, usage: undefined }
  const other = { ...source, request, usage: undefined }
  const text = (events: Iterable<{ text: string }>): string =>
    Array.from(events, (event) => event.text).join('')
  return {
    choice: reply.choices[0] as Choice,
    chat: {
      answer: wire(CHAT_FORMAT.json(own)),
      stream: text(CHAT_FORMAT.events(own)),
    },
    responses: {
      answer: wire(RESPONSES_FORMAT.json(other)),
      stream: text(RESPONSES_FORMAT.events(other)),
    },
  }
}

/** A value as JSON carries it. */
export function wire(value: unknown): Request {
  return JSON.parse(JSON.stringify(value)) as Request
}

const encoder = new TextEncoder()

/** Translates a stream that comes in chunks of so many bytes. */
export function translate(translator: StreamTranslator, text: string, chunkBytes = 4096): string {
  const bytes = encoder.encode(text)
  const out: number[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    out.push(...translator.pass(bytes.subarray(at, at + chunkBytes)))
  }
  out.push(...translator.end())
  return new TextDecoder().decode(Uint8Array.from(out))
}

/** The parsed data of a stream's events. */
export function eventsOf(stream: string): Request[] {
  return stream
    .split('\n\n')
    .flatMap((event) => /^data: (\{[^\n]*)/m.exec(event)?.[1] ?? [])
    .map((data) => JSON.parse(data) as Request)
}

/** What an answer says, whatever its format. */
export interface Said {
  texts: string[]
  refusals: string[]
  calls: { kind: 'function' | 'custom'; name: string; pieces: string[] }[]
  finish: 'stop' | 'length' | 'content_filter'
  usage: Record<'prompt' | 'completion' | 'cached' | 'written' | 'reasoning', number>
}

const pieces = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }), { maxLength: 4 })
const count = fc.nat(10_000)

export const arbitrarySaid: fc.Arbitrary<Said> = fc.record({
  texts: pieces,
  refusals: pieces,
  calls: fc.array(
    fc.record({ kind: fc.constantFrom('function', 'custom'), name: fc.constantFrom('f', 'g'), pieces }),
    { maxLength: 3 },
  ),
  finish: fc.constantFrom('stop', 'length', 'content_filter'),
  usage: fc.record({ prompt: count, completion: count, cached: count, written: count, reasoning: count }),
})

const HEAD = { id: 'chatcmpl-abc123', created: 1_777_319_820, model: 'gpt-x', service_tier: 'default' }

function chatUsage({ prompt, completion, cached, written, reasoning }: Said['usage']) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}

function finishReason({ finish, calls }: Said): string {
  return finish === 'stop' && calls.length > 0 ? 'tool_calls' : finish
}

/** A chat completion that says this. */
export function chatAnswer(said: Said): Request {
  const { texts, refusals, calls } = said
  return {
    ...HEAD,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: texts.length === 0 && calls.length + refusals.length > 0 ? null : texts.join(''),
          refusal: refusals.join('') || null,
          annotations: [],
          ...(calls.length > 0 && {
            tool_calls: calls.map(({ kind, name, pieces: input }, at) => ({
              id: `call_${at}`,
              type: kind,
              [kind]: { name, [inputName(kind)]: input.join('') },
            })),
          }),
        },
        logprobs: null,
        finish_reason: finishReason(said),
      },
    ],
    usage: chatUsage(said.usage),
  }
}

/** The same answer as a stream. */
export function chatStream(said: Said): string {
  const delta = (fields: object) => [{ index: 0, delta: fields, finish_reason: null }]
  const call = (index: number, fields: object) => delta({ tool_calls: [{ index, ...fields }] })
  const content = said.texts.length + said.refusals.length === 0 && said.calls.length > 0 ? null : ''
  const chunks: object[] = [delta({ role: 'assistant', content, refusal: null })]
  chunks.push(...said.texts.map((piece) => delta({ content: piece })))
  chunks.push(...said.refusals.map((refusal) => delta({ refusal })))
  for (const [at, { kind, name, pieces: input }] of said.calls.entries()) {
    chunks.push(call(at, { id: `call_${at}`, type: kind, [kind]: { name, [inputName(kind)]: '' } }))
    chunks.push(...input.map((piece) => call(at, { [kind]: { [inputName(kind)]: piece } })))
  }
  chunks.push([{ index: 0, delta: {}, finish_reason: finishReason(said) }])
  const head = { ...HEAD, object: 'chat.completion.chunk' }
  const lines = chunks.map((choices) => ({ ...head, choices, usage: null }))
  const all = [...lines, { ...head, choices: [], usage: chatUsage(said.usage) }]
  return [...all.map((chunk) => JSON.stringify(chunk)), '[DONE]'].map((data) => `data: ${data}\n\n`).join('')
}

function inputName(kind: 'function' | 'custom'): string {
  return kind === 'function' ? 'arguments' : 'input'
}
