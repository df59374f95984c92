/** A failure of the upstream, in whatever shape it comes, reduced to what tells it from others. */
import { RETRY_AFTER_MAX_SECONDS } from '../failure.ts'
import { field } from '../wire/field.ts'
import { parseJson } from '../wire/parse-json.ts'

/** Bytes of an error body that are read. The fields that identify an error stand at its beginning. */
export const ERROR_BODY_BYTES_MAX = 64 * 1024
/** How long a body may take, ms. The status says most, so a caller does not wait for a body that does not come. */
export const ERROR_BODY_WAIT_MS = 2_000

/** A failure reduced to what tells it from others, whatever shape it came in. */
export interface Symptom {
  /** HTTP status; 0 where there was no response, or one that is no answer. */
  status: number
  /** Cloudflare's code, from `errors[0].code`, `internalCode` or the start of a thrown message; 0 where there is none. */
  code: number
  /** All text of the error. It is searched for phrases, never logged, and shown only where the vendor wrote it for callers. */
  text: string
  /** The vendor's own envelope. */
  vendor: VendorError | null
  retryAfterSeconds: number | null
}

export interface VendorError {
  message: string
  type: string | null
  param: string | null
  code: string | null
}

/** The symptom of a failure without any detail. */
export const NO_SYMPTOM: Symptom = { status: 0, code: 0, text: '', vendor: null, retryAfterSeconds: null }

export async function symptomOfResponse(response: Response): Promise<Symptom> {
  const retryAfterSeconds = parseRetryAfter(response.headers.get('retry-after'))
  // The status of a 2xx that is no answer says nothing.
  const status = response.ok ? 0 : response.status
  return { ...symptomOfText(await readBounded(response)), status, retryAfterSeconds }
}

/** The binding throws an error with the message `<code>: <text>` where the upstream gave any. */
export function symptomOfError(error: unknown): Symptom {
  return { ...NO_SYMPTOM, ...symptomOfText(error instanceof Error ? error.message : String(error)) }
}

/**
 * The JSON shapes of an error, read together: Cloudflare's `errors` list (AI Gateway itself calls it `error`),
 * Cloudflare's `internalCode`, the vendor's envelope. No schema is used, since each field may be missing or of any type, and
 * the fields that fit still count.
 */
function symptomOfText(text: string): Pick<Symptom, 'code' | 'text' | 'vendor'> {
  const body = parseJson(text)
  const error = field(body, 'error')
  const first = field(field(body, 'errors') ?? error, '0')
  const thrown = Number(/^(\d{4,5}): /.exec(text)?.[1] ?? 0)
  const code = numberOf(field(first, 'code')) ?? numberOf(field(body, 'internalCode')) ?? thrown
  const message = textOf(field(error, 'message'))
  if (message === null) return { code, text, vendor: null }
  const [type, param, name] = ['type', 'param', 'code'].map((key) => textOf(field(error, key)))
  return { code, text, vendor: { message, type: type ?? null, param: param ?? null, code: name ?? null } }
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

async function readBounded(response: Response): Promise<string> {
  if (response.body === null) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  const stop = (): void => void reader.cancel().catch(() => {})
  // A cancelled read ends as if the body did.
  const timer = setTimeout(stop, ERROR_BODY_WAIT_MS)
  let text = ''
  let bytes = 0
  try {
    while (bytes <= ERROR_BODY_BYTES_MAX) {
      const { done, value } = await reader.read()
      if (done) return text
      bytes += value.byteLength
      text += decoder.decode(value, { stream: true })
    }
  } catch {
    // A body that is cut is judged by its status and by the part that came.
  } finally {
    clearTimeout(timer)
  }
  stop()
  return text
}

function parseRetryAfter(header: string | null): number | null {
  if (header === null) return null
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000
  return Number.isNaN(seconds) ? null : Math.min(Math.max(Math.ceil(seconds), 1), RETRY_AFTER_MAX_SECONDS)
}
