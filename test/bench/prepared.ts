/** The requests and the model's answers of the bench, as bytes on the wire that are created once. */
import { UPSTREAM_HEADERS } from '../support/node/upstream-answer.ts'

/** Chunks of a stream. Each is one write and one event. The first has the role; the last three are end, usage and `[DONE]`. */
export const STREAM_CHUNKS = 200

export const PATH = '/v1/chat/completions'

/** The upstream answers this model with Responses events. */
export const RESPONSES_SLUG = 'openai/gpt-5.6-luna'

const SENTENCE = 'The quick brown fox jumps over the lazy dog, "they say",\nand nobody asks the dog. '

const USAGE = {
  prompt_tokens: 16,
  completion_tokens: 640,
  total_tokens: 656,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 256, audio_tokens: 0 },
}

/** The price of that usage with o3-mini, micro-dollars. */
export const USAGE_MICRO_USD = Math.ceil(16 * 1.1 + 640 * 4.4)

/** A chat body with this many messages and characters in each, alternately of user and assistant. */
export function chatBody(messages: number, charactersEach: number, stream: boolean): string {
  const content = SENTENCE.repeat(Math.ceil(charactersEach / SENTENCE.length)).slice(0, charactersEach)
  return JSON.stringify({
    model: 'o3-mini',
    messages: Array.from({ length: messages }, (_, at) => ({
      role: at % 2 === 0 ? 'user' : 'assistant',
      content,
    })),
    ...(stream ? { stream } : {}),
  })
}

export function requestBytes(port: number, secret: string, body: string): Buffer {
  return Buffer.from(
    `POST ${PATH} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${secret}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** A JSON answer of about 800 bytes, with the headers of a real answer. */
export function jsonAnswerBytes(): Buffer {
  const message = { role: 'assistant', content: SENTENCE.repeat(4), refusal: null, annotations: [] }
  const body = JSON.stringify({
    id: 'chatcmpl-DZMMRxtcAbZLwD8Nd6POej2jkkjhT',
    object: 'chat.completion',
    created: 1_777_319_807,
    model: 'o3-mini-2025-01-31',
    choices: [{ index: 0, finish_reason: 'stop', message }],
    usage: USAGE,
    gatewayMetadata: { keySource: 'Unified' },
  })
  return Buffer.from(`${head('application/json')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

/** AI Gateway's log of a call, as its API returns it. */
export function logAnswerBytes(): Buffer {
  const result = { id: 'log', tokens_in: 16, tokens_out: 640, created_at: '2026-11-01T00:00:00Z' }
  const body = JSON.stringify({ success: true, errors: [], messages: [], result })
  return Buffer.from(`${head('application/json')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

/** The head of a streamed answer, and its framed chunks. The last chunk contains the end of the body. */
export interface StreamBytes {
  head: Buffer
  chunks: Buffer[]
}

export function streamAnswerBytes(): StreamBytes {
  return streamOf(chatEventOf)
}

/** The same text in as many events of the Responses API. */
export function responseStreamBytes(): StreamBytes {
  return streamOf(responseEventOf)
}

function streamOf(event: (at: number) => string): StreamBytes {
  const events = Array.from({ length: STREAM_CHUNKS }, (_, at) => event(at))
  return {
    head: Buffer.from(`${head('text/event-stream; charset=utf-8')}transfer-encoding: chunked\r\n\r\n`),
    chunks: events.map((event, at) =>
      Buffer.from(framed(event) + (at === STREAM_CHUNKS - 1 ? '0\r\n\r\n' : '')),
    ),
  }
}

function head(contentType: string): string {
  const headers = Object.entries(UPSTREAM_HEADERS).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((line) => `${name}: ${line}\r\n`),
  )
  return `HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\n${headers.join('')}`
}

function framed(event: string): string {
  return `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`
}

/** An event of a response, as the model sends it. The first two and the last five say how the response stands. */
export function responseEventOf(at: number): string {
  const id = 'resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b'
  const item_id = 'msg_68af4032b7c88193a9d8d8f3a2c1e4f605438e46b5f69a3b'
  const response = { id, object: 'response', created_at: 1_777_319_820, model: 'gpt-5.6-luna' }
  const usage = {
    input_tokens: 16,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 640,
    output_tokens_details: { reasoning_tokens: 256 },
    total_tokens: 656,
  }
  const place = { item_id, output_index: 0, content_index: 0 }
  const ends = ['response.output_text.done', 'response.content_part.done', 'response.output_item.done']
  const fields =
    at === 0
      ? { type: 'response.created', response }
      : at === 1
        ? { type: 'response.output_item.added', output_index: 0, item: { id: item_id, type: 'message' } }
        : at === STREAM_CHUNKS - 1
          ? { type: 'response.completed', response: { ...response, usage } }
          : at >= STREAM_CHUNKS - 4
            ? { type: ends[at - STREAM_CHUNKS + 4], ...place }
            : {
                type: 'response.output_text.delta',
                ...place,
                delta: ` word${at}`,
                logprobs: [],
                obfuscation: 'ZtDcsJG7VBsRIf',
              }
  return `event: ${fields.type}\ndata: ${JSON.stringify({ ...fields, sequence_number: at })}\n\n`
}

/** An event of about 300 bytes, as the model sends it. */
export function chatEventOf(at: number): string {
  if (at === STREAM_CHUNKS - 1) return 'data: [DONE]\n\n'
  const isUsage = at === STREAM_CHUNKS - 2
  const isEnd = at === STREAM_CHUNKS - 3
  const delta = at === 0 ? { role: 'assistant', content: '', refusal: null } : { content: ` word${at}` }
  const choice = { index: 0, delta: isEnd ? {} : delta, finish_reason: isEnd ? 'stop' : null }
  const chunk = {
    id: 'chatcmpl-DZMMetd1XpZ1frdVc0o4T4L12OVXk',
    object: 'chat.completion.chunk',
    created: 1_777_319_820,
    model: 'o3-mini-2025-01-31',
    service_tier: 'default',
    system_fingerprint: 'fp_b5e0a50a2e',
    choices: isUsage ? [] : [choice],
    usage: isUsage ? USAGE : null,
    obfuscation: 'ZtDcsJG7VBsRIf',
  }
  return `data: ${JSON.stringify(chunk)}\n\n`
}
