/** The whole app with an upstream that keeps what it was called with, and the promise that every answer must keep. */
import { createExecutionContext } from 'cloudflare:test'
import { afterAll, beforeAll, inject, vi } from 'vitest'
import * as fc from 'fast-check'
import { app } from '../../../src/app.ts'
import type { Bindings } from '../../../src/accounts/objects.ts'
import { ADMIN_TOKEN, env } from '../../support/gateway.ts'
import answer from '../../support/fixtures/chat-completion.json'
import stream from '../../support/fixtures/chat-completion-stream.sse?raw'

/** A case that takes longer hangs. */
const CASE_MS_MAX = 20_000
/** All cases of a test are one request to the runtime: without a rest, none of their timers and background work ends. */
const REST_EVERY = 20
/** An error message is for a person: it repeats no more of a request than helps. */
const MESSAGE_CHARACTERS_MAX = 1_000

/** Whether a request is seen by the upstream, and how: as the text that the real class would send. */
export class RecordingUpstream {
  /** Of the last call; `null` before. */
  sent: string | null = null

  run(_model: string, inputs: Record<string, unknown>): Promise<Response> {
    // The real class writes JSON too: what cannot be written must not get here.
    this.sent = JSON.stringify(inputs)
    return Promise.resolve(
      inputs['stream'] === true
        ? new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
        : Response.json(answer),
    )
  }

  gateway(): never {
    throw new Error('nobody asks for logs here')
  }
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

/** The front door over an upstream of its own; `overrides` over the vars and bindings of the local worker. */
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

/** Stands in prompts; and what else no line of the log may have: secrets, and the caller's own text of an address. */
export const CANARY = 'canary-of-a-prompt'
const NEVER_LOGGED = [CANARY, 'sk-gw-', ADMIN_TOKEN, '<script>']

/** For a file of properties: the log is mute, since a line for each case helps nobody, but it is read. */
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
    if (leaks.length > 0) throw new Error(`the log tells too much: ${leaks.slice(0, 3).join('\n')}`)
  })
}

/** How many cases a property gets of all that are to be run. A failure prints the seed and the path to its case. */
export function fuzz(share: number): fc.Parameters<unknown> {
  const { cases, seed } = inject('fuzz')
  return { seed, numRuns: Math.ceil(cases * share), timeout: CASE_MS_MAX }
}

/** For a property's test: time enough for all its cases. */
export const FUZZ_TEST = { timeout: inject('fuzz').cases * 100 }

/** @throws Error that says which promise the answer breaks. */
export function expectCivil(method: string, { status, headers, text }: Answered): void {
  const broken = brokenPromise(method, { status, headers, text })
  if (broken === null) return
  throw new Error(`${broken}: ${status} ${JSON.stringify([...headers])} ${text.slice(0, 500)}`)
}

function brokenPromise(method: string, { status, headers, text }: Answered): string | null {
  const contentType = headers.get('content-type') ?? ''
  if (status < 200 || status >= 500) return 'neither an answer nor the caller’s mistake'
  if (!/^req_[0-9a-f]{32}$/.test(headers.get('x-request-id') ?? '')) return 'no request id'
  if (/html|javascript|svg/i.test(contentType)) return 'a browser would run it'
  if (headers.get('x-content-type-options') !== 'nosniff') return 'a browser may guess what it is'
  if (status < 400) return null
  if (contentType !== 'application/json') return 'an error that is not JSON'
  return method === 'HEAD' ? null : brokenEnvelope(text)
}

function brokenEnvelope(text: string): string | null {
  const { error, ...others } = JSON.parse(text) as { error: Record<string, unknown> }
  if (Object.keys(others).length > 0) return 'more than an error'
  if (Object.keys(error).toSorted().join() !== 'code,message,param,type') return 'not the four fields'
  const { message, type, param, code } = error
  if (typeof type !== 'string' || !isTextOrNull(param) || !isTextOrNull(code))
    return 'a field of another type'
  if (typeof message !== 'string' || message === '') return 'no message'
  if (message.length > MESSAGE_CHARACTERS_MAX) return 'a message that is too long'
  return message.isWellFormed() && (param ?? '').isWellFormed() ? null : 'half a character'
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
