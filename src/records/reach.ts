/** Reaching KV: an end to the wait for it, and what the caller is told when it cannot be reached. */
import { GatewayError, type UnavailableFailure } from '../failure.ts'
import { causeOf, log } from '../log.ts'

/** Resolves after so many ms. */
export type Sleep = (ms: number) => Promise<void>

export const sleep: Sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** The result of the work, or an error where it takes longer; the work itself goes on unheard. */
export function withTimeout<T>(work: Promise<T>, timeoutMs: number, wait: Sleep = sleep): Promise<T> {
  const timeout = wait(timeoutMs).then(() => {
    throw new Error(`no answer from KV within ${timeoutMs} ms`)
  })
  return Promise.race([work, timeout])
}

/** @throws GatewayError of that kind where the work fails; the log has the cause. What the work itself threw as one stays. */
export async function orUnavailable<T>(work: T | Promise<T>, kind: UnavailableFailure['kind']): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof GatewayError) throw error
    log({ event: 'trouble', what: 'kv', cause: causeOf(error) })
    throw new GatewayError({ kind })
  }
}
