/** The log: one JSON object a line, which Workers Logs indexes by field. Nobody else writes to the console. */
import type { LogFields } from './context.ts'

export interface RequestLine extends LogFields {
  event: 'request'
  requestId: string
  method: string
  /** The pattern of the route and not the path, which is the caller's own text. */
  route: string
  status: number
  milliseconds: number
}

export interface TroubleLine {
  event: 'trouble'
  /** What is in trouble, as a word: `kv_read`, `kv_write`, `record`. */
  what: string
  keyId?: string
  /** The message of the error that was caught. */
  cause: string
}

export function log(line: RequestLine | TroubleLine, level: Level = levelOf(line)): void {
  // oxlint-disable-next-line no-console -- the console is how a Worker logs
  console[level](JSON.stringify({ level, ...line }))
}

type Level = 'info' | 'warn' | 'error'

function levelOf(line: RequestLine | TroubleLine): Level {
  return line.event === 'trouble' || line.alert !== undefined || line.status === 500 ? 'error' : 'info'
}

/** A caught value as text for a line; cut, since an error may quote what it was given. */
export function causeOf(error: unknown): string {
  return (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 200)
}
