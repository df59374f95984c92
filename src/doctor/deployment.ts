/** A deployment over HTTP: each call has a time-out, and a failure of the network is a finding. */
import { Finding, RETRY_OR_LOG, shown } from './finding.ts'

/** How long a route without the model may take, ms. */
export const ANSWER_TIMEOUT_MS = 20_000
/** How long the model may take for a short answer, ms. */
export const MODEL_TIMEOUT_MS = 120_000
/** The largest answer that is read, in characters. A short answer of the model is far below it. */
export const ANSWER_CHARACTERS_MAX = 1_048_576

export interface Call {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  /** The bearer token; absent for none. */
  token?: string
  body?: object
  /** Default `ANSWER_TIMEOUT_MS`. */
  timeoutMs?: number
  /** The call goes on when the person at the terminal stops the checks: its result decides what must be cleaned up. */
  isFinal?: true
}

export interface Answer {
  status: number
  contentType: string
  location: string | null
  text: string
  /** From the call to the first byte of the body, and to its end. */
  firstByteMs: number
  endMs: number
}

/** @throws Finding where there is no whole answer in time; the reason of `stop` where it aborts. */
export type Ask = (call: Call) => Promise<Answer>

export function createAsk(origin: string, stop: AbortSignal): Ask {
  return async function ask(call) {
    const { method = 'GET', path, token, body, timeoutMs = ANSWER_TIMEOUT_MS } = call
    const timeout = AbortSignal.timeout(timeoutMs)
    const startedAtMs = performance.now()
    try {
      const response = await fetch(origin + path, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A redirect must not carry the token to another place.
        redirect: 'manual',
        signal: call.isFinal ? timeout : AbortSignal.any([timeout, stop]),
      })
      return await answerOf(response, startedAtMs)
    } catch (error) {
      if (stop.aborted && !call.isFinal) throw stop.reason
      if (timeout.aborted) throw timeoutFinding(path, timeoutMs)
      throw error instanceof Finding ? error : networkFinding(error)
    }
  }
}

async function answerOf(response: Response, startedAtMs: number): Promise<Answer> {
  let text = ''
  let firstByteMs: number | null = null
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    firstByteMs ??= performance.now() - startedAtMs
    text += decoder.decode(chunk, { stream: true })
    if (text.length > ANSWER_CHARACTERS_MAX) {
      throw new Finding('the answer does not end', 'Check the address: this is no gateway.')
    }
  }
  const endMs = performance.now() - startedAtMs
  const { status, headers } = response
  const contentType = headers.get('content-type') ?? ''
  return {
    status,
    contentType,
    location: headers.get('location'),
    text,
    firstByteMs: firstByteMs ?? endMs,
    endMs,
  }
}

function timeoutFinding(path: string, timeoutMs: number): Finding {
  return new Finding(`no whole answer to ${path} within ${timeoutMs / 1000} seconds`, RETRY_OR_LOG)
}

/** Node keeps the reason in the cause: `fetch failed` alone says nothing. */
function networkFinding(error: unknown): Finding {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const reason = shown(cause instanceof Error ? cause.message : String(cause))
  const wrong = `no connection: ${[code, reason].filter((part) => part !== '').join(', ')}`
  if (code === 'ECONNREFUSED') {
    return new Finding(wrong, 'Start the gateway, or correct the port. On your machine: npm run dev')
  }
  return new Finding(
    wrong,
    'Check the address, which `npm run deploy` prints. A new workers.dev address can take some minutes.',
  )
}
