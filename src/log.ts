/** The log: one JSON object a line, which Workers Logs indexes by field. No other file writes to the console. */

/** What a stage may add to a request's line. It never holds a secret, a hash or the text of a message. */
export interface LogFields {
  keyId?: string
  model?: string
  stream?: boolean
  /** Each model that was tried, by its slug, and how that ended. Only where the first one has not answered. */
  attempts?: { model: string; reason: string }[]
  /** How a stream ended. */
  outcome?: 'completed' | 'client_closed' | 'upstream_failed'
  /** Why a request failed, in the words of the code. The caller may learn less. */
  reason?: string
  /** A sentence that tells the operator what to do. It makes the line an error. */
  alert?: string
}

export interface RequestLine extends LogFields {
  event: 'request'
  requestId: string
  method: string
  /** The route's pattern. The path is the caller's own text, and is not logged. */
  route: string
  status: number
  /** Until the answer's headers, or for a stream until its end. */
  durationMs: number
}

export interface TroubleLine {
  event: 'trouble'
  /** The part that is in trouble, as a word: `kv_read`, `kv_write`, `key_record`. */
  what: string
  keyId?: string
  /** The message of the error that was caught. */
  cause: string
}

export function log(line: RequestLine | TroubleLine, level: Level = levelOf(line)): void {
  // oxlint-disable-next-line no-console -- the console is how a Worker logs
  console[level](JSON.stringify({ level, ...line }))
}

/** Logs a warning unless `warned` has its name. The cause is a function, since most calls find the name and need no text. */
export function warnOnce(warned: Set<string>, name: string, what: string, causeOf: () => string): void {
  if (warned.has(name)) return
  warned.add(name)
  log({ event: 'trouble', what, cause: causeOf() }, 'warn')
}

type Level = 'info' | 'warn' | 'error'

function levelOf(line: RequestLine | TroubleLine): Level {
  return line.event === 'trouble' || line.alert !== undefined || line.status === 500 ? 'error' : 'info'
}

/** A caught value as text for a line; cut, since an error may quote what it was given. */
export function causeOf(error: unknown): string {
  return (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 200)
}
