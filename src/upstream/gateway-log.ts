/**
 * The usage of a call from AI Gateway's own log, for a stream that was not metered. The log appears some seconds after the
 * answer, so the gateway asks for it behind the answer, a few times.
 */
import { field } from '../wire/field.ts'
import type { Usage } from '../wire/usage.ts'
import type { UpstreamBinding } from './call.ts'

/** Pauses before each try, ms. Together they are below the 30 s that the runtime leaves a Worker after its answer. */
export const LOG_PAUSES_MS = [1_000, 3_000, 7_000, 14_000]

/** `null` where the log has not appeared, or has no token counts. It has neither cached nor reasoning tokens. */
export async function usageFromLog(
  ai: UpstreamBinding,
  gatewayId: string,
  logId: string,
  sleep: (ms: number) => Promise<void>,
): Promise<Usage | null> {
  for (const pauseMs of LOG_PAUSES_MS) {
    await sleep(pauseMs)
    try {
      const record = await (await ai.gateway(gatewayId)).getLog(logId)
      const [promptTokens, completionTokens] = [field(record, 'tokens_in'), field(record, 'tokens_out')]
      if (typeof promptTokens === 'number' && typeof completionTokens === 'number') {
        return { promptTokens, cachedTokens: 0, completionTokens, reasoningTokens: 0 }
      }
    } catch {
      // The log is not there yet, or not available. The next try tells.
    }
  }
  return null
}
