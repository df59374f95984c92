/**
 * The outbox of an account: KV and the directory are told of the newest version of its record until they acknowledge it.
 * The pure part decides when. The class keeps in SQL what was told, so that nothing is forgotten over a restart.
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
export interface Told {
  /** The version of the last attempt; 0 before the first. */
  version: number
  triedAtMs: number
  /** Attempts in a row that failed, up to now. */
  failures: number
  /** Until when an attempt that timed out may still reach the target; 0 for none. */
  doubtfulUntilMs: number
}

export const NOTHING_TOLD: Told = { version: 0, triedAtMs: 0, failures: 0, doubtfulUntilMs: 0 }

export interface Attempt {
  version: number
  atMs: number
  outcome: 'done' | 'failed' | 'timed_out'
}

/** When the target is to be told of `version`, ms since 1970; `null` for not at all. It may lie in the past. */
export function dueAtMs(target: Target, told: Told, version: number, nowMs: number): number | null {
  // A clock that was set back must not postpone anything.
  const triedAtMs = Math.min(told.triedAtMs, nowMs)
  if (version > told.version) return triedAtMs + SPACING_MS[target]
  if (told.failures > 0) return triedAtMs + Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** (told.failures - 1))
  return told.triedAtMs < told.doubtfulUntilMs ? told.doubtfulUntilMs : null
}

export function afterAttempt(told: Told, { version, atMs, outcome }: Attempt): Told {
  const { failures, doubtfulUntilMs } = told
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
export type Tell = (stored: StoredKey) => Promise<unknown>

export class Publication {
  readonly #underWay = new Set<Target>()

  constructor(
    readonly sql: SqlStorage,
    readonly tell: Readonly<Record<Target, Tell>>,
  ) {}

  /** Tells every target that is due. It never throws what a target throws, and ends within `ATTEMPT_TIMEOUT_MS`. */
  async attempt(stored: StoredKey): Promise<void> {
    await Promise.all(TARGETS.map((target) => this.#attempt(target, stored)))
  }

  /** When the next target is due, ms since 1970; `null` where all have been told. */
  nextAtMs({ key }: StoredKey, nowMs: number): number | null {
    const times = TARGETS.flatMap((target) => {
      // An attempt under way ends by itself, unless the object does before it.
      if (this.#underWay.has(target)) return [nowMs + ATTEMPT_TIMEOUT_MS + RETRY_MS]
      return dueAtMs(target, this.#told(target), key.version, nowMs) ?? []
    })
    return times.length === 0 ? null : Math.min(...times)
  }

  async #attempt(target: Target, stored: StoredKey): Promise<void> {
    const atMs = Date.now()
    const { id, version } = stored.key
    const told = this.#told(target)
    const isDue = (dueAtMs(target, told, version, atMs) ?? Infinity) <= atMs
    // Two puts at once could arrive in the wrong order.
    if (!isDue || this.#underWay.has(target)) return
    this.#underWay.add(target)
    const { outcome, cause } = await outcomeOf(this.tell[target](stored))
    this.#underWay.delete(target)
    // The first failure in a row is logged. The ones that follow have the same cause.
    if (cause !== undefined && told.failures === 0)
      log({ event: 'trouble', what: `publish_${target}`, keyId: id, cause })
    this.#save(target, afterAttempt(told, { version, atMs, outcome }))
  }

  #told(target: Target): Told {
    const query = 'SELECT told FROM publication WHERE target = ?'
    const [row] = this.sql.exec<{ told: string }>(query, target).toArray()
    return row === undefined ? NOTHING_TOLD : toldRow.parse(JSON.parse(row.told))
  }

  #save(target: Target, told: Told): void {
    this.sql.exec(
      'INSERT OR REPLACE INTO publication (target, told) VALUES (?, ?)',
      target,
      JSON.stringify(told),
    )
  }
}

async function outcomeOf(
  telling: Promise<unknown>,
): Promise<{ outcome: Attempt['outcome']; cause?: string }> {
  try {
    const answer = await raceTimeout(telling, ATTEMPT_TIMEOUT_MS)
    if (answer !== TIMED_OUT) return { outcome: 'done' }
    return { outcome: 'timed_out', cause: `no answer within ${ATTEMPT_TIMEOUT_MS} ms` }
  } catch (error) {
    return { outcome: 'failed', cause: causeOf(error) }
  }
}

const toldRow = z.object({
  version: z.number(),
  triedAtMs: z.number(),
  failures: z.number(),
  doubtfulUntilMs: z.number(),
})
