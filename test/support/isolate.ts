/** Another isolate of the gateway: it has a memory of its own, and shares accounts and directory with this one. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { app } from '../../src/app.ts'
import type { Bindings } from '../../src/accounts/objects.ts'
import { BASE_URL, env } from './gateway.ts'

export type Send = (
  method: string,
  path: string,
  secret: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Response>

/** It reads KV through `read`, and has these bindings and vars in place of the usual ones. */
export function isolate(
  read: (name: string) => Promise<string | null> = (name) => env.KV.get(name),
  overrides: Partial<Bindings> = {},
): Send {
  const KV = {
    get: read,
    list: () => Promise.resolve({ keys: [], list_complete: true }),
    put: () => Promise.resolve(),
  }
  const bindings = { ...env, KV: KV as unknown as KVNamespace, ...overrides }
  return async (method, path, secret, body, more = {}) => {
    const context = createExecutionContext()
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...more }
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const response = await app.fetch(new Request(BASE_URL + path, init), bindings, context)
    // A stream is settled when it has been read.
    const answer = new Response(response.body === null ? null : await response.arrayBuffer(), response)
    await waitOnExecutionContext(context)
    return answer
  }
}
