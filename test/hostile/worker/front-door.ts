/** Runs the whole app with a recording upstream, and checks that every answer is well-formed. */
import { createExecutionContext } from 'cloudflare:test'
import { afterAll, beforeAll, inject, vi } from 'vitest'
import * as fc from 'fast-check'
import { app } from '../../../src/app.ts'
import type { Bindings } from '../../../src/accounts/objects.ts'
import type { UpstreamOptions } from '../../../src/upstream/call.ts'
import { ADMIN_TOKEN, env } from '../../support/gateway.ts'
import answer from '../../support/fixtures/chat-completion.json'
import responseAnswer from '../../support/fixtures/response.json'
import stream from '../../support/fixtures/chat-completion-stream.sse?raw'

/** A case that takes longer counts as hanging. */
const CASE_MS_MAX = 20_000
/**
 * All cases of a test are one request to the runtime. Without a rest, none of their timers and background work ends.
 */
const REST_EVERY = 20
/** An error message is for a person, so it repeats only a little of the request. */
const MESSAGE_CHARACTERS_MAX = 1_000

/** Records each call's inputs as the text that the real class would send. */
export class RecordingUpstream {
  /** The text of the last call, or `null` before any call. */
  sent: string | null = null
  /** What AI Gateway was told of the last call. */
  metadata: Record<string, string> = {}
  /** The chunks of a stream. */
  stream: readonly string[] = [stream]

  run(
    _model: string,
    inputs: Record<string, unknown>,
    { extraHeaders, gateway }: UpstreamOptions,
  ): Promise<Response> {
    // Every call must keep its texts out of AI Gateway's log.
    if (extraHeaders?.['cf-aig-collect-log-payload'] !== 'false') throw new Error('a call with its texts')
    // The real class writes JSON too, so inputs that cannot be written must not arrive here.
    this.sent = JSON.stringify(inputs)
    this.metadata = gateway.metadata ?? {}
    return Promise.resolve(
      inputs['stream'] === true
        ? new Response(chunked(this.stream), { headers: { 'content-type': 'text/event-stream' } })
        : Response.json(inputs['messages'] == null ? responseAnswer : answer),
    )
  }

  gateway(): never {
    throw new Error('the gateway must not read AI Gateway’s logs here')
  }
}

function chunked(parts: readonly string[]): ReadableStream {
  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      for (const part of parts) if (part !== '') controller.enqueue(new TextEncoder().encode(part))
      controller.close()
    },
  })
}

export interface Answered {
  status: number
  headers: Headers
  text: string
}

export interface FrontDoor {
  upstream: RecordingUpstream
  ask: (request: Request) => Promise<Answered>
}

/** Opens the app with its own upstream, and applies `overrides` to the local worker's vars and bindings. */
export function openFrontDoor(overrides: Partial<Bindings> = {}): FrontDoor {
  let asked = 0
  const upstream = new RecordingUpstream()
  const bindings: Bindings = { ...env, ...overrides, AI: upstream }
  return {
    upstream,
    ask: async (request) => {
      asked += 1
      if (asked % REST_EVERY === 0) await scheduler.wait(1)
      upstream.sent = null
      const response = await app.fetch(request, bindings, createExecutionContext())
      return { status: response.status, headers: response.headers, text: await response.text() }
    },
  }
}

/** Prompts contain this word, which must not appear in the log. Secrets and the caller's URL text must not either. */
export const CANARY = 'canary-of-a-prompt'
const NEVER_LOGGED = [CANARY, 'sk-gw-', ADMIN_TOKEN, '<script>']

/** Silences the log of a file of properties, and fails the file if a line contains a forbidden word. */
export function watchLog(): void {
  const leaks: string[] = []
  const read = (line: string): void => {
    if (NEVER_LOGGED.some((word) => line.includes(word))) leaks.push(line)
  }
  beforeAll(() => {
    for (const level of ['info', 'error'] as const) vi.spyOn(console, level).mockImplementation(read)
  })
  afterAll(() => {
    vi.restoreAllMocks()
    if (leaks.length > 0) throw new Error(`the log contains forbidden words: ${leaks.slice(0, 3).join('\n')}`)
  })
}

/** Gives a property its `share` of all cases. A failure prints the seed and the path to its case. */
export function fuzz(share: number): fc.Parameters<unknown> {
  const { cases, seed } = inject('fuzz')
  return { seed, numRuns: Math.ceil(cases * share), timeout: CASE_MS_MAX }
}

/** Gives a property's test enough time for all its cases. */
export const FUZZ_TEST = { timeout: inject('fuzz').cases * 100 }

/** @throws Error that names the promise broken by the answer. */
export function expectCivil(method: string, { status, headers, text }: Answered): void {
  const broken = brokenPromise(method, { status, headers, text })
  if (broken === null) return
  throw new Error(`${broken}: ${status} ${JSON.stringify([...headers])} ${text.slice(0, 500)}`)
}

function brokenPromise(method: string, { status, headers, text }: Answered): string | null {
  const contentType = headers.get('content-type') ?? ''
  if (status < 200 || status >= 500) return 'neither a success nor a 4xx error'
  if (!/^req_[0-9A-Za-z]{32}$/.test(headers.get('x-request-id') ?? '')) return 'no request id'
  if (/html|javascript|svg/i.test(contentType)) return 'a content type that a browser executes'
  if (headers.get('x-content-type-options') !== 'nosniff') return 'no x-content-type-options: nosniff'
  if (status < 400) return null
  if (contentType !== 'application/json') return 'an error that is not JSON'
  return method === 'HEAD' ? null : brokenEnvelope(text)
}

function brokenEnvelope(text: string): string | null {
  const { error, ...others } = JSON.parse(text) as { error: Record<string, unknown> }
  if (Object.keys(others).length > 0) return 'other fields beside `error`'
  if (Object.keys(error).toSorted().join() !== 'code,message,param,type')
    return 'other than the four error fields'
  const { message, type, param, code } = error
  if (typeof type !== 'string' || !isTextOrNull(param) || !isTextOrNull(code))
    return 'an error field of the wrong type'
  if (typeof message !== 'string' || message === '') return 'no message'
  if (message.length > MESSAGE_CHARACTERS_MAX) return 'a message that is too long'
  return message.isWellFormed() && (param ?? '').isWellFormed() ? null : 'an unpaired surrogate'
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
