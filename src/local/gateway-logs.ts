/** AI Gateway's log of the simulated calls: the tokens of each call, by the log id in its answer's headers. */
import { RpcTarget } from 'cloudflare:workers'

/** The real binding's error for an unknown id. */
export const LOG_NOT_FOUND = 'AiGatewayLogNotFound'

/** Older entries are dropped. */
export const LOGS_KEPT_MAX = 1_000

export interface LogEntry {
  readonly tokens_in: number
  readonly tokens_out: number
}

const entries = new Map<string, LogEntry>()

export function recordLog(id: string, entry: LogEntry): void {
  entries.set(id, entry)
  const oldest = entries.size > LOGS_KEPT_MAX ? entries.keys().next().value : undefined
  if (oldest !== undefined) entries.delete(oldest)
}

/** Null for an unknown id. */
export function findLog(id: string): ({ readonly id: string } & LogEntry) | null {
  const entry = entries.get(id)
  return entry === undefined ? null : { id, ...entry }
}

/** The part of `env.AI.gateway(id)` that the gateway uses. */
export class GatewayLogs extends RpcTarget {
  /** Rejects for an unknown id, as the real method does. */
  async getLog(id: string): Promise<{ readonly id: string } & LogEntry> {
    const entry = findLog(id)
    if (entry === null) throw new Error(LOG_NOT_FOUND)
    return entry
  }
}
