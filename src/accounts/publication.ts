/**
 * The outbox of an account: it publishes its record to KV and to the directory, and its usage to the directory, until they
 * acknowledge it. The pure part decides when. The class keeps the state of each publication in SQL, so that it survives a
 * restart.
 */
import * as z from 'zod/mini'
import { causeOf, log } from '../log.ts'
import { getOrCreate } from '../lru.ts'
import { raceTimeout, TIMED_OUT } from '../timeout.ts'

/** The copy of the record in KV, its report to the directory, and the report of usage to the directory. */
export const TARGETS = ['kv', 'directory', 'usage'] as const
export type Target = (typeof TARGETS)[number]

/** How long an attempt may take. An admin route waits for it. */
export const ATTEMPT_TIMEOUT_MS = 2_000
/** Least time between two attempts. KV takes one write a second to a key. One directory serves the usage of all keys. */
export const SPACING_MS: Readonly<Record<Target, number>> = { kv: 1_000, directory: 0, usage: 60_000 }
/** Time before a version that failed is tried again. It doubles with each failure. */
export const RETRY_MS = 1_000
export const RETRY_MS_MAX = 5 * 60_000
/** A put that timed out may still reach KV, after its successor. So the newest version is put again after this time. */
export const CONFIRM_MS = 60_000

/** The state of one target. */
export interface PublishState {
  /** The version of the last attempt; 0 before the first. */
  version: number
  /** The last version that the target has acknowledged; 0 before the first. */
  acknowledged: number
  triedAtMs: number
  /** Attempts in a row that failed, up to now. */
  failures: number
  /** The first of these attempts, ms since 1970; 0 where the last one succeeded. */
  failingSinceMs: number
  /** Until when an attempt that timed out may still reach the target; 0 for none. */
  doubtfulUntilMs: number
}

export const NOT_PUBLISHED: PublishState = {
  version: 0,
  acknowledged: 0,
  triedAtMs: 0,
  failures: 0,
  failingSinceMs: 0,
  doubtfulUntilMs: 0,
}

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
  const tried = { ...state, version, triedAtMs: atMs }
  const failing = {
    ...tried,
    failures: state.failures + 1,
    failingSinceMs: state.failures === 0 ? atMs : state.failingSinceMs,
  }
  switch (outcome) {
    case 'done':
      return { ...tried, acknowledged: version, failures: 0, failingSinceMs: 0 }
    case 'failed':
      return failing
    case 'timed_out':
      return { ...failing, doubtfulUntilMs: atMs + CONFIRM_MS }
  }
}

/** What a target is told. */
export interface Source {
  /** The newest version; 0 for nothing to publish. */
  version(): number
  /**
   * Publishes what is newer than the acknowledged version. Rejects where the target does not acknowledge. It never throws.
   *
   * @param note Notes that the target has acknowledged all up to a version, so that a later attempt goes on from there. It says
   * whether this attempt still counts.
   */
  publish(acknowledged: number, note: (version: number) => boolean): Promise<unknown>
}

export class Publication {
  readonly #sql: SqlStorage
  readonly #sources: Readonly<Record<Target, Source>>
  readonly #underWay = new Set<Target>()
  /** The states as they stand in SQL. Each settlement asks for them. */
  readonly #states = new Map<Target, PublishState>()

  constructor(sql: SqlStorage, sources: Readonly<Record<Target, Source>>) {
    this.#sql = sql
    this.#sources = sources
  }

  /** Publishes to every target that is due. It never throws what a target throws, and ends within `ATTEMPT_TIMEOUT_MS`. */
  async attempt(keyId: string): Promise<void> {
    await Promise.all(TARGETS.map((target) => this.#attempt(target, keyId)))
  }

  /** Makes every target but KV due at once, as if nothing had been published to it. */
  forgetReports(): void {
    this.#sql.exec("DELETE FROM publication WHERE target <> 'kv'")
    for (const target of TARGETS) if (target !== 'kv') this.#states.delete(target)
  }

  /** When the next target is due, ms since 1970; `null` where all have acknowledged. */
  nextAtMs(nowMs: number): number | null {
    const times = TARGETS.flatMap((target) => {
      // An attempt under way ends by itself, unless the object does before it.
      if (this.#underWay.has(target)) return [nowMs + ATTEMPT_TIMEOUT_MS + RETRY_MS]
      return dueAtMs(target, this.#stateOf(target), this.#sources[target].version(), nowMs) ?? []
    })
    return times.length === 0 ? null : Math.min(...times)
  }

  /** The targets whose last attempts failed, and since when, ms since 1970. */
  failing(): { target: Target; sinceMs: number }[] {
    return TARGETS.flatMap((target) => {
      const sinceMs = this.#stateOf(target).failingSinceMs
      return sinceMs === 0 ? [] : { target, sinceMs }
    })
  }

  async #attempt(target: Target, keyId: string): Promise<void> {
    const atMs = Date.now()
    const source = this.#sources[target]
    const version = source.version()
    let state = this.#stateOf(target)
    const isDue = (dueAtMs(target, state, version, atMs) ?? Infinity) <= atMs
    // Two puts at once could arrive in the wrong order.
    if (!isDue || this.#underWay.has(target)) return
    this.#underWay.add(target)
    const note = (acknowledged: number): boolean => {
      if (this.#stateOf(target) !== state) return false
      state = { ...state, acknowledged }
      this.#save(target, state)
      return true
    }
    const { outcome, cause } = await outcomeOf(source.publish(state.acknowledged, note))
    this.#underWay.delete(target)
    // The first failure in a row is logged. The ones that follow have the same cause.
    if (cause !== undefined && state.failures === 0)
      log({ event: 'trouble', what: `publish_${target}`, keyId, cause })
    // A target that was forgotten meanwhile has to be told everything, and this attempt may have told less.
    if (this.#stateOf(target) === state) this.#save(target, afterAttempt(state, { version, atMs, outcome }))
  }

  #stateOf(target: Target): PublishState {
    return getOrCreate(this.#states, target, TARGETS.length, () => {
      const query = 'SELECT state FROM publication WHERE target = ?'
      const [row] = this.#sql.exec<{ state: string }>(query, target).toArray()
      return row === undefined ? NOT_PUBLISHED : publishStateRow.parse(JSON.parse(row.state))
    })
  }

  #save(target: Target, state: PublishState): void {
    this.#states.set(target, state)
    this.#sql.exec(
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

const publishStateRow = z.lazy(() =>
  z.object({
    version: z.number(),
    acknowledged: z._default(z.number(), 0),
    triedAtMs: z.number(),
    failures: z.number(),
    failingSinceMs: z._default(z.number(), 0),
    doubtfulUntilMs: z.number(),
  }),
)
