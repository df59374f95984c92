/** Starts one upstream and one gateway before a file's contract tests, and stops both after them. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, inject } from 'vitest'
import { type RealBindingGateway, startRealBindingGateway } from './real-binding-gateway.ts'
import { type Script, startUpstreamServer, type UpstreamServer } from './upstream-server.ts'

export const MESSAGES = [{ role: 'user', content: 'Hello!' }]

/** The route of a file's calls and its smallest valid body. */
export interface Api {
  readonly path: string
  readonly body: Record<string, unknown>
}

export const CHAT: Api = { path: '/v1/chat/completions', body: { model: 'o3-mini', messages: MESSAGES } }
export const RESPONSES: Api = { path: '/v1/responses', body: { model: 'o3-mini', input: 'Hello!' } }

export interface ContractGateway {
  readonly upstream: UpstreamServer
  readonly gateway: RealBindingGateway
  /** Registers `script` under a new tag, and returns the tag and a body with it: the smallest body plus `overrides`. */
  prepare(script: Script, overrides?: Record<string, unknown>): { tag: string; body: Record<string, unknown> }
  /** Sends `POST` to the API. */
  post(body: unknown, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response>
  /** Prepares and posts a call. */
  complete(script: Script, overrides?: Record<string, unknown>): Promise<Response>
  /** Waits for the gateway's log line of the request with this answer. */
  logLine(response: Response): Promise<Record<string, unknown>>
}

export function useContractGateway(vars: Record<string, string> = {}, api = CHAT): ContractGateway {
  let upstream: UpstreamServer
  let gateway: RealBindingGateway
  beforeAll(async () => {
    upstream = await startUpstreamServer()
    gateway = await startRealBindingGateway({
      upstreamPort: upstream.port,
      uploadPath: inject('uploadPath'),
      vars,
    })
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.stop()
  })

  const prepare: ContractGateway['prepare'] = (script, overrides = {}) => {
    const tag = randomUUID()
    upstream.script(tag, script)
    return { tag, body: { ...api.body, user: tag, ...overrides } }
  }
  const post: ContractGateway['post'] = (body, headers = {}, signal) =>
    fetch(`${gateway.url}${api.path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${gateway.secret}`,
        'content-type': 'application/json',
        ...headers,
      },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    })
  return {
    get upstream() {
      return upstream
    },
    get gateway() {
      return gateway
    },
    prepare,
    post,
    complete: (script, overrides) => post(prepare(script, overrides).body),
    async logLine(response) {
      const id = response.headers.get('x-request-id')
      const line = await gateway.printed(new RegExp(`^\\{.*"requestId":"${id}".*\\}$`, 'm'))
      return JSON.parse(line) as Record<string, unknown>
    },
  }
}
