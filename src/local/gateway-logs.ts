/** AI Gateway's log of the simulated calls: the tokens of each call, by the log id in its answer's headers. */
import { RpcTarget } from 'cloudflare:workers'
import { pause } from './delivery.ts'
import { DELAY_MS_MAX, type ScriptedLog } from './script.ts'

/** The real binding's error for an unknown id. */
export const LOG_NOT_FOUND = 'AiGatewayLogNotFound'

/** Older entries are dropped. */
export const LOGS_KEPT_MAX = 1_000

/** The tokens of a whole answer. A script can override them with values of any type. */
export interface LoggedTokens {
  readonly tokens_in: unknown
  readonly tokens_out: unknown
}

export interface LogEntry extends LoggedTokens {
  /** The cache of AI Gateway gave the answer. */
  readonly cached: unknown
}

export type FoundLog = { readonly id: string } & LogEntry

interface KeptLog {
  readonly entry: LogEntry
  readonly appearsAtMs: number
  readonly isHanging: boolean
}

const kept = new Map<string, KeptLog>()

/** Keeps the entry of a call whose headers are sent at `nowMs`. */
export function recordLog(id: string, entry: LogEntry, script: ScriptedLog, nowMs: number): void {
  if (script.missing) return
  kept.set(id, {
    entry: { ...entry, ...script.entry },
    appearsAtMs: nowMs + (script.delayMs ?? 0),
    isHanging: script.hang === true,
  })
  const oldest = kept.size > LOGS_KEPT_MAX ? kept.keys().next().value : undefined
  if (oldest !== undefined) kept.delete(oldest)
}

/** Null for an unknown id, before the entry appears, and after a hang. */
export async function findLog(id: string, nowMs: number): Promise<FoundLog | null> {
  const log = kept.get(id)
  if (log?.isHanging) {
    await pause(DELAY_MS_MAX, null)
    return null
  }
  return log === undefined || nowMs < log.appearsAtMs ? null : { id, ...log.entry }
}

/** The part of `env.AI.gateway(id)` that the gateway uses. */
export class GatewayLogs extends RpcTarget {
  /** Rejects for an unknown id, as the real method does. */
  async getLog(id: string): Promise<FoundLog> {
    const entry = await findLog(id, Date.now())
    if (entry === null) throw new Error(LOG_NOT_FOUND)
    return entry
  }
}
