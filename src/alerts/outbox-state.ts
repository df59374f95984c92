/** What an object has told the webhook, and what waits to be sent. Pure. */
import * as z from 'zod/mini'
import { DAY_MS } from '../calendar.ts'
import type { RaisedAlert } from './alert.ts'

/** An alert is retried for so long, ms. Then it is dropped. */
export const ALERT_KEPT_MS = DAY_MS
/** Alerts that an object raises in 24 hours. So no more than these wait. */
export const ALERTS_A_DAY_MAX = 20
/** Pause after the first failure, ms. It doubles with each failure. */
export const ALERT_RETRY_MS = 10_000
export const ALERT_RETRY_MS_MAX = 3_600_000
/** Alerts in one run of the alarm. A Worker has six connections at once. */
export const SENT_AT_ONCE = 5
/** Ids that an object remembers. An alert whose id it remembers is not raised again. */
export const TOLD_MAX = 300

/** An alert that waits. */
const waiting = z.lazy(() =>
  z.object({
    id: z.string(),
    body: z.string(),
    /** `desk`: the object of the deployment's alerts sends it, once for all accounts. */
    via: z.enum(['webhook', 'desk']),
    raisedAtMs: z.number(),
    failures: z.number(),
    dueAtMs: z.number(),
  }),
)
export type Waiting = z.output<typeof waiting>

/** The highest threshold that was told of a budget in a period. */
const budgetTold = z.lazy(() =>
  z.object({ dates: z.string(), limitMicroUsd: z.number(), percent: z.number() }),
)
export type BudgetTold = z.output<typeof budgetTold>

export const outboxState = z.lazy(() =>
  z.object({
    waiting: z.array(waiting),
    told: z.array(z.object({ id: z.string(), atMs: z.number() })),
    budgets: z.array(budgetTold),
  }),
)
export type OutboxState = z.output<typeof outboxState>

export const NOTHING_TOLD: OutboxState = { waiting: [], told: [], budgets: [] }

export function isTold({ told }: OutboxState, id: string): boolean {
  return told.some((known) => known.id === id)
}

/** With one more alert that waits. The same state where it was told. Beyond `ALERTS_A_DAY_MAX` it counts as told. */
export function raise(
  state: OutboxState,
  { id, body }: RaisedAlert,
  via: Waiting['via'],
  nowMs: number,
): OutboxState {
  if (isTold(state, id)) return state
  const told = (atMs: number) => [...state.told, { id, atMs }].slice(-TOLD_MAX)
  // A dropped alert takes no room of the day.
  if (!hasRoom(state, nowMs)) return { ...state, told: told(0) }
  const alert = { id, body, via, raisedAtMs: nowMs, failures: 0, dueAtMs: nowMs }
  return { ...state, waiting: [...state.waiting, alert], told: told(nowMs) }
}

export function hasRoom({ told }: OutboxState, nowMs: number): boolean {
  return told.filter(({ atMs }) => atMs > nowMs - DAY_MS).length < ALERTS_A_DAY_MAX
}

/** The alerts to send now, the oldest first. */
export function dueAlerts({ waiting: all }: OutboxState, nowMs: number): Waiting[] {
  return all.filter(({ dueAtMs }) => dueAtMs <= nowMs).slice(0, SENT_AT_ONCE)
}

/** When the next alert is due, ms since 1970; `null` where none waits. */
export function nextDueMs({ waiting: all }: OutboxState): number | null {
  return all.length === 0 ? null : Math.min(...all.map(({ dueAtMs }) => dueAtMs))
}

/** Without the alert: it was delivered, or is dropped. */
export function without(state: OutboxState, id: string): OutboxState {
  return { ...state, waiting: state.waiting.filter((alert) => alert.id !== id) }
}

/** The alert after one more failure; `null` where the next attempt would be later than a day after it was raised. */
export function postponed(alert: Waiting, nowMs: number): Waiting | null {
  const dueAtMs = nowMs + Math.min(ALERT_RETRY_MS_MAX, ALERT_RETRY_MS * 2 ** alert.failures)
  if (dueAtMs > alert.raisedAtMs + ALERT_KEPT_MS) return null
  return { ...alert, failures: alert.failures + 1, dueAtMs }
}
