/** A bound on a write or a read of the ledger. Its timer is the caller's, so that a simulation can have its own clock. */
import { sleep, type Sleep } from '../timeout.ts'

/** The result of the work, or an error where it takes longer. The work itself goes on unheard. */
export function withTimeout<T>(work: Promise<T>, timeoutMs: number, wait: Sleep = sleep): Promise<T> {
  const timeout = wait(timeoutMs).then(() => {
    throw new Error(`no answer from KV within ${timeoutMs} ms`)
  })
  return Promise.race([work, timeout])
}
