/** Calls the gateway that serves the page. The credential goes into a header only, and answers are parsed once, here. */
import * as z from 'zod/mini'

/** A call that has no answer for so long is given up, ms. */
export const CALL_TIMEOUT_MS = 30_000

// Zod probes with `new Function` whether it may compile its schemas. The page's policy forbids that, and reports the probe.
z.config({ jitless: true })

const envelope = z.object({
  error: z.object({
    message: z.string(),
    code: z.nullable(z.string()),
    param: z.nullable(z.string()),
  }),
})

/** Why a call failed, in a sentence that a person can act on. */
export class CallError extends Error {
  override readonly name = 'CallError'
  constructor(
    message: string,
    /** 0 where there is no answer. */
    readonly status: number,
    readonly code: string | null = null,
    readonly param: string | null = null,
    readonly requestId: string | null = null,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message)
  }
}

export interface CallOptions {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  body?: unknown
  signal?: AbortSignal
  /** The call outlives the page. */
  keepalive?: boolean
}

/** @throws CallError for a refusal, for no answer, and for an answer that is not the expected one. */
export async function call<Schema extends z.ZodMiniType>(
  schema: Schema,
  credential: string,
  path: string,
  options: CallOptions = {},
): Promise<z.output<Schema>> {
  const { signal = AbortSignal.timeout(CALL_TIMEOUT_MS) } = options
  const response = await open(credential, path, { ...options, signal })
  const parsed = schema.safeParse(await response.json().catch(() => null))
  if (parsed.success) return parsed.data
  throw new CallError('The gateway sent an answer that this page does not understand. Reload the page.', 0)
}

/** The open answer of a call that was not refused. @throws CallError, or the signal's own `AbortError`. */
export async function open(
  credential: string,
  path: string,
  { method = 'GET', body, signal, keepalive = false }: CallOptions = {},
): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, {
      method,
      keepalive,
      cache: 'no-store',
      credentials: 'omit',
      headers: {
        authorization: `Bearer ${credential}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw noAnswer(error)
  }
  if (!response.ok) throw await refusal(response)
  return response
}

function noAnswer(error: unknown): CallError {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new CallError('The gateway took too long to answer. Try again.', 0)
  }
  if (error instanceof TypeError && error.message.includes('ISO-8859-1')) {
    return new CallError('This text has characters that no token has.', 0, 'invalid_credential')
  }
  return new CallError(
    navigator.onLine ? 'The gateway does not answer. Try again.' : 'You are offline. Connect and try again.',
    0,
    'offline',
  )
}

async function refusal(response: Response): Promise<CallError> {
  const parsed = envelope.safeParse(await response.json().catch(() => null))
  const { message, code, param } = parsed.success
    ? parsed.data.error
    : { message: `The gateway answered ${response.status}.`, code: null, param: null }
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new CallError(
    message,
    response.status,
    code,
    param,
    response.headers.get('x-request-id'),
    Number.isNaN(retryAfter) ? null : retryAfter,
  )
}
