/** Sends requests to the worker's `fetch` from inside the test pool, as a caller would. */
import { env, exports } from 'cloudflare:workers'
import { checkAnswer, checkAnswersOfApp, failUndescribed } from './check-answers.ts'

/** The admin token of `[env.local]`. */
export const ADMIN_TOKEN = 'local-admin-token-for-this-machine-only'

checkAnswersOfApp()
failUndescribed()

export const BASE_URL = 'https://gateway.example'

export interface IssuedKey {
  id: string
  secret: string
}

/** The smallest valid body. */
export const HELLO = { model: 'o3-mini', messages: [{ role: 'user', content: 'Hello!' }] }

/** Sets the simulator's delays to zero. */
export const AT_ONCE = { thinkMs: 0, firstByteDelayMs: 0, chunkDelayMs: 0 }

export async function call(path: string, init?: RequestInit): Promise<Response> {
  const request = new Request(BASE_URL + path, init)
  return checkAnswer(request, await exports.default.fetch(request))
}

/** Sends a JSON request with a key's secret or the admin token. A string `body` is sent as raw text. */
export function send(
  method: string,
  path: string,
  secret: string,
  body?: unknown,
  init: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  return call(path, {
    method,
    ...init,
    headers: {
      authorization: `Bearer ${secret}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...init.headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
}

/** Sends `POST /v1/chat/completions` with the smallest body plus `overrides`, without delays. */
export function complete(secret: string, overrides: Record<string, unknown> = {}): Promise<Response> {
  return send('POST', '/v1/chat/completions', secret, { ...HELLO, simulate: AT_ONCE, ...overrides })
}

/** Sends `POST /v1/responses` with the smallest body plus `overrides`, without delays. */
export function respond(secret: string, overrides: Record<string, unknown> = {}): Promise<Response> {
  const smallest = { model: 'o3-mini', input: 'Hello!', simulate: AT_ONCE }
  return send('POST', '/v1/responses', secret, { ...smallest, ...overrides })
}

/** Creates a key through the operator's route. */
export async function issueKey(body: Record<string, unknown> = {}): Promise<IssuedKey> {
  const response = await send('POST', '/admin/keys', ADMIN_TOKEN, { name: 'test', ...body })
  if (response.status !== 201) throw new Error(`the gateway created no key: ${await response.text()}`)
  return response.json()
}

/** Leaves streams before their end, as a client does that has gone. */
export async function leaveAll(responses: readonly Response[]): Promise<void> {
  for (const { body } of responses) await body?.cancel()
}

export interface ErrorEnvelope {
  error: { message: string; type: string; param: string | null; code: string | null }
}

export async function errorOf(response: Response): Promise<ErrorEnvelope['error']> {
  return (await response.json<ErrorEnvelope>()).error
}

export { env }
