/** Lets a real model answer: any OpenAI-compatible server, named in `.dev.vars`. */

import { unreachableResponse } from './failures.ts'
import { print } from './print.ts'

/** Vars of the local worker, all optional. */
export interface LocalEnv {
  /** With or without `/v1`: `http://localhost:11434`, `https://openrouter.ai/api/v1`. Without it the simulator answers. */
  readonly LOCAL_UPSTREAM_URL?: string
  /** The key of that server, if it wants one. */
  readonly LOCAL_UPSTREAM_KEY?: string
  /** The model to ask for there; by default the last part of the slug, `o3-mini`. */
  readonly LOCAL_UPSTREAM_MODEL?: string
}

export interface LocalUpstream {
  readonly url: string
  readonly key: string | undefined
  readonly model: string | undefined
}

/** Null where no server is named. */
export function localUpstream(env: LocalEnv): LocalUpstream | null {
  const { LOCAL_UPSTREAM_URL: url, LOCAL_UPSTREAM_KEY: key, LOCAL_UPSTREAM_MODEL: model } = env
  return url ? { url, key: key || undefined, model: model || undefined } : null
}

/** The server's own answer; a 502 that says which var to look at if there is none. Throws only when `signal` aborts. */
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
    const reason = error instanceof Error ? error.message : String(error)
    const message =
      `The server in LOCAL_UPSTREAM_URL (${withoutPassword(upstream.url)}) cannot be reached: ${reason}. ` +
      'Start it, or remove LOCAL_UPSTREAM_URL from .dev.vars to talk to the simulator.'
    // The gateway keeps the upstream's words from its callers, so they are said here too.
    print(message)
    return unreachableResponse(message)
  }
}

/** A bare origin gets `/v1`, where such servers live; a URL with a path is taken at its word. */
export function endpointUrl(url: string, path: string): string {
  const base = new URL(url)
  const prefix = base.pathname.replace(/\/+$/u, '')
  base.pathname = `${prefix === '' ? '/v1' : prefix}${path}`
  return base.href
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/u, '//')
}
