/**
 * The AI binding that the offline gateway gets: it calls the simulator over RPC. The runtime logs a rejected RPC call as an
 * uncaught error, and an undisposed stub as a leak. So errors cross as values, and no stub crosses.
 */

import type { UpstreamBinding } from '../upstream/call.ts'
import { LOG_NOT_FOUND, type FoundLog } from './gateway-logs.ts'

/** The options of `env.AI.run` that the gateway sets. The binding's other options are ignored. */
export interface RunOptions {
  readonly returnRawResponse?: boolean
  readonly gateway?: { readonly id?: string; readonly [option: string]: unknown }
  readonly signal?: AbortSignal | null
  readonly extraHeaders?: Record<string, string>
  readonly [option: string]: unknown
}

/** The message of the error that `run()` threw. */
export interface Thrown {
  readonly thrown: string
}

/** The methods of the simulator that the binding calls. */
export interface SimulatorService {
  runSafely(
    model: string,
    inputs: Record<string, unknown>,
    options: RunOptions,
  ): Promise<Response | Thrown | undefined>
  findLog(id: string): Promise<FoundLog | null>
}

export function localBinding(simulator: SimulatorService): UpstreamBinding {
  return {
    async run(model, inputs, { gateway, ...options }) {
      const result = await simulator.runSafely(model, inputs, { ...options, gateway: { ...gateway } })
      if (result !== undefined && 'thrown' in result) throw new Error(result.thrown)
      return result
    },
    /** Offline, every gateway has the same log. */
    gateway: () => ({
      async getLog(id) {
        const entry = await simulator.findLog(id)
        if (entry === null) throw new Error(LOG_NOT_FOUND)
        return entry
      },
    }),
  }
}
