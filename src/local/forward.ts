/** Forwards a call to a real model: to any OpenAI-compatible server that `.dev.vars` names. */

import { unreachableResponse } from './failures.ts'
import { print } from './print.ts'

/** Vars of the local worker, all optional. */
export interface LocalEnv {
  /** The server's base URL, such as `http://localhost:11434/v1`. Without this var the simulator answers. */
  readonly LOCAL_UPSTREAM_URL?: string
  /** The server's API key, if it needs one. */
  readonly LOCAL_UPSTREAM_KEY?: string
  /** The model's name at that server. Default: the last part of the slug, `o3-mini`. */
  readonly LOCAL_UPSTREAM_MODEL?: string
}

export interface LocalUpstream {
  readonly url: string
  readonly key: string | undefined
  readonly model: string | undefined
}

/** Null if `LOCAL_UPSTREAM_URL` is not set. */
export function localUpstream(env: LocalEnv): LocalUpstream | null {
  const { LOCAL_UPSTREAM_URL: url, LOCAL_UPSTREAM_KEY: key, LOCAL_UPSTREAM_MODEL: model } = env
  return url ? { url, key: key || undefined, model: model || undefined } : null
}

/** The server's own answer, or a 502 that names the var to check. Throws only when `signal` aborts. */
export async function forward(
  upstream: LocalUpstream,
  path: string,
  slug: string,
  inputs: Record<string, unknown>,
  signal: AbortSignal | null,
): Promise<Response> {
  try {
    return await fetch(endpointUrl(upstream.url, path), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(upstream.key === undefined ? {} : { authorization: `Bearer ${upstream.key}` }),
      },
      body: JSON.stringify({ ...inputs, model: upstream.model ?? slug.slice(slug.lastIndexOf('/') + 1) }),
      signal,
    })
  } catch (error) {
    signal?.throwIfAborted()
    const reason = (error instanceof Error ? error.message : String(error)).replace(/\.$/u, '')
    const message =
      `The server in LOCAL_UPSTREAM_URL (${withoutPassword(upstream.url)}) cannot be reached: ${reason}. ` +
      'Start it, or remove LOCAL_UPSTREAM_URL from .dev.vars to use the simulator.'
    // The gateway hides the upstream's message from its callers, so it is printed too.
    print(message)
    return unreachableResponse(message)
  }
}

/** An origin without a path gets `/v1`. A path in the URL is kept. */
export function endpointUrl(url: string, path: string): string {
  const base = new URL(url)
  const prefix = base.pathname.replace(/\/+$/u, '')
  base.pathname = `${prefix === '' ? '/v1' : prefix}${path}`
  return base.href
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/u, '//')
}
