/** The refusals of one key since an isolate's last report: how many in each minute, and the last ones. */
import { minuteOf } from './minute-counts.ts'
import type { RefusalReport } from './protocol.ts'
import type { RefusedRecord } from './request-record.ts'

/** Refusals that a report names: the last ones. */
export const REFUSALS_NAMED_MAX = 20
/** Minutes that are counted while the account cannot be reached. The oldest one is forgotten. */
export const REFUSAL_MINUTES_MAX = 60

export class RefusalTally {
  readonly #limited = new Map<number, { atMs: number; refused: number }>()
  readonly #last: RefusedRecord[] = []

  add(refused: RefusedRecord): void {
    if (this.#last.length === REFUSALS_NAMED_MAX) this.#last.shift()
    this.#last.push(refused)
    // No other limit would let pass what no limit has refused.
    if (refused.limit === null) return
    const minute = minuteOf(refused.atMs)
    const counted = this.#limited.get(minute)?.refused ?? 0
    this.#limited.set(minute, { atMs: refused.atMs, refused: counted + 1 })
    const [oldest] = this.#limited.keys()
    if (this.#limited.size > REFUSAL_MINUTES_MAX && oldest !== undefined) this.#limited.delete(oldest)
  }

  get report(): RefusalReport {
    return { limited: [...this.#limited.values()], last: this.#last }
  }
}
