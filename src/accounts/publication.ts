/**
 * The outbox of an account: it publishes the newest version of its record to KV and to the directory until they acknowledge it.
 * The pure part decides when. The class keeps the state of each publication in SQL, so that it survives a restart.
 */
import * as z from 'zod/mini'
import { causeOf, log } from '../log.ts'
import { raceTimeout, TIMED_OUT } from '../timeout.ts'
import type { StoredKey } from './stored-key.ts'

export const TARGETS = ['kv', 'directory'] as const
export type Target = (typeof TARGETS)[number]

/** How long an attempt may take. An admin route waits for it. */
export const ATTEMPT_TIMEOUT_MS = 2_000
/** Least time between two attempts. KV takes one write a second to a key. */
export const SPACING_MS: Readonly<Record<Target, number>> = { kv: 1_000, directory: 0 }
/** Time before a version that failed is tried again. It doubles with each failure. */
export const RETRY_MS = 1_000
export const RETRY_MS_MAX = 5 * 60_000
/** A put that timed out may still reach KV, after its successor. So the newest version is put again after this time. */
export const CONFIRM_MS = 60_000

/** The state of one target. */
export interface PublishState {
  /** The version of the last attempt; 0 before the first. */
  version: number
  triedAtMs: number
  /** Attempts in a row that failed, up to now. */
  failures: number
  /** Until when an attempt that timed out may still reach the target; 0 for none. */
  doubtfulUntilMs: number
}

export const NOT_PUBLISHED: PublishState = { version: 0, triedAtMs: 0, failures: 0, doubtfulUntilMs: 0 }

export interface Attempt {
  version: number
  atMs: number
  outcome: 'done' | 'failed' | 'timed_out'
}

/** The time at which `version` is due for the target, ms since 1970; `null` for never. It may lie in the past. */
export function dueAtMs(target: Target, state: PublishState, version: number, nowMs: number): number | null {
  // A clock that was set back must not postpone anything.
  const triedAtMs = Math.min(state.triedAtMs, nowMs)
  if (version > state.version) return triedAtMs + SPACING_MS[target]
  if (state.failures > 0) return triedAtMs + Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** (state.failures - 1))
  return state.triedAtMs < state.doubtfulUntilMs ? state.doubtfulUntilMs : null
}

export function afterAttempt(state: PublishState, { version, atMs, outcome }: Attempt): PublishState {
  const { failures, doubtfulUntilMs } = state
  switch (outcome) {
    case 'done':
      return { version, triedAtMs: atMs, failures: 0, doubtfulUntilMs }
    case 'failed':
      return { version, triedAtMs: atMs, failures: failures + 1, doubtfulUntilMs }
    case 'timed_out':
      return { version, triedAtMs: atMs, failures: failures + 1, doubtfulUntilMs: atMs + CONFIRM_MS }
  }
}

/** Rejects where the target does not acknowledge. It never throws. */
export type Publish = (stored: StoredKey) => Promise<unknown>

export class Publication {
  readonly #underWay = new Set<Target>()

  constructor(
    readonly sql: SqlStorage,
    readonly publish: Readonly<Record<Target, Publish>>,
  ) {}

  /** Publishes to every target that is due. It never throws what a target throws, and ends within `ATTEMPT_TIMEOUT_MS`. */
  async attempt(stored: StoredKey): Promise<void> {
    await Promise.all(TARGETS.map((target) => this.#attempt(target, stored)))
  }

  /** Makes every target but KV due at once, as if nothing had been published to it. */
  forgetReports(): void {
    this.sql.exec("DELETE FROM publication WHERE target <> 'kv'")
  }

  /** When the next target is due, ms since 1970; `null` where all have acknowledged. */
  nextAtMs({ key }: StoredKey, nowMs: number): number | null {
    const times = TARGETS.flatMap((target) => {
      // An attempt under way ends by itself, unless the object does before it.
      if (this.#underWay.has(target)) return [nowMs + ATTEMPT_TIMEOUT_MS + RETRY_MS]
      return dueAtMs(target, this.#state(target), key.version, nowMs) ?? []
    })
    return times.length === 0 ? null : Math.min(...times)
  }

  async #attempt(target: Target, stored: StoredKey): Promise<void> {
    const atMs = Date.now()
    const { id, version } = stored.key
    const state = this.#state(target)
    const isDue = (dueAtMs(target, state, version, atMs) ?? Infinity) <= atMs
    // Two puts at once could arrive in the wrong order.
    if (!isDue || this.#underWay.has(target)) return
    this.#underWay.add(target)
    const { outcome, cause } = await outcomeOf(this.publish[target](stored))
    this.#underWay.delete(target)
    // The first failure in a row is logged. The ones that follow have the same cause.
    if (cause !== undefined && state.failures === 0)
      log({ event: 'trouble', what: `publish_${target}`, keyId: id, cause })
    this.#save(target, afterAttempt(state, { version, atMs, outcome }))
  }

  #state(target: Target): PublishState {
    const query = 'SELECT state FROM publication WHERE target = ?'
    const [row] = this.sql.exec<{ state: string }>(query, target).toArray()
    return row === undefined ? NOT_PUBLISHED : publishStateRow.parse(JSON.parse(row.state))
  }

  #save(target: Target, state: PublishState): void {
    this.sql.exec(
      'INSERT OR REPLACE INTO publication (target, state) VALUES (?, ?)',
      target,
      JSON.stringify(state),
    )
  }
}

async function outcomeOf(
  publishing: Promise<unknown>,
): Promise<{ outcome: Attempt['outcome']; cause?: string }> {
  try {
    const answer = await raceTimeout(publishing, ATTEMPT_TIMEOUT_MS)
    if (answer !== TIMED_OUT) return { outcome: 'done' }
    return { outcome: 'timed_out', cause: `no answer within ${ATTEMPT_TIMEOUT_MS} ms` }
  } catch (error) {
    return { outcome: 'failed', cause: causeOf(error) }
  }
}

const publishStateRow = z.object({
  version: z.number(),
  triedAtMs: z.number(),
  failures: z.number(),
  doubtfulUntilMs: z.number(),
})
