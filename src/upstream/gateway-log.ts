/** Reads AI Gateway's own log of a call. It appears some seconds after the answer. */
import type { UpstreamBinding } from './call.ts'

/** The record of a call. Rejects where there is none (yet). */
export async function readLog(ai: UpstreamBinding, gatewayId: string, logId: string): Promise<unknown> {
  return (await ai.gateway(gatewayId)).getLog(logId)
}
