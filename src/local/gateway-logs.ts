/** AI Gateway's log of the simulated calls: their tokens, by the id that came with each answer. */
import { RpcTarget } from 'cloudflare:workers'

/** Older entries are forgotten. */
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

/** What `env.AI.gateway(id)` gives, as far as the gateway uses it. */
export class GatewayLogs extends RpcTarget {
  /** Rejects where there is no such entry, as the real one does. */
  async getLog(id: string): Promise<{ id: string } & LogEntry> {
    const entry = entries.get(id)
    if (entry === undefined) throw new Error('AiGatewayLogNotFound')
    return { id, ...entry }
  }
}
