/**
 * The outbox of alerts of one object: it keeps them in SQL until they are delivered, and sends them by the object's alarm. An
 * alert is delivered at least once, each time with the same id.
 */
import * as z from 'zod/mini'
import { log } from '../log.ts'
import type { RaisedAlert } from './alert.ts'
import {
  dueAlerts,
  hasRoom,
  isTold,
  nextDueMs,
  NOTHING_TOLD,
  outboxState,
  type OutboxState,
  postponed,
  raise,
  type Waiting,
  without,
} from './outbox-state.ts'
import { SEND_TIMEOUT_MS } from './webhook.ts'
import { parseJson } from '../wire/parse-json.ts'

/** Resolves to why the alert was not delivered; `null` where it was. It never rejects. */
export type Deliver = (alert: Waiting) => Promise<string | null>

export class AlertOutbox {
  readonly #sql: SqlStorage
  readonly #deliver: Deliver
  #state: OutboxState | null = null
  #isSending = false

  constructor(sql: SqlStorage, deliver: Deliver) {
    this.#sql = sql
    this.#deliver = deliver
  }

  get state(): OutboxState {
    this.#state ??= this.#read()
    return this.#state
  }

  isTold(id: string): boolean {
    return isTold(this.state, id)
  }

  /** Stores the alert, unless its id was told. Beyond `ALERTS_A_DAY_MAX` it is dropped, and the log says so. */
  raise(alert: RaisedAlert, via: Waiting['via'], nowMs: number): void {
    if (!this.isTold(alert.id) && !hasRoom(this.state, nowMs))
      logDropped(alert.id, 'the object has raised too many alerts today')
    this.save(raise(this.state, alert, via, nowMs))
  }

  /** Sends what is due, at most `SENT_AT_ONCE` alerts. It never rejects. */
  async send(): Promise<void> {
    const due = dueAlerts(this.state, Date.now())
    if (due.length === 0 || this.#isSending) return
    this.#isSending = true
    const results = await Promise.all(
      due.map(async (alert) => ({ alert, failure: await this.#deliver(alert) })),
    )
    this.#isSending = false
    let { state } = this
    for (const { alert, failure } of results) {
      const later = failure === null ? null : postponed(alert, Date.now())
      state = without(state, alert.id)
      if (later !== null) state = { ...state, waiting: [...state.waiting, later] }
      else if (failure !== null) logDropped(alert.id, failure)
    }
    this.save(state)
  }

  /** When the next alert is due, ms since 1970; `null` where none waits. */
  nextAtMs(nowMs: number): number | null {
    // An attempt under way ends by itself, unless the object does before it.
    return this.#isSending ? nowMs + SEND_TIMEOUT_MS + 1_000 : nextDueMs(this.state)
  }

  /** One row has it all. It is written where something has changed. */
  save(state: OutboxState): void {
    if (state === this.state) return
    this.#state = state
    // The table is made for the first alert: an account without any has no row more than before.
    this.#sql.exec('CREATE TABLE IF NOT EXISTS alerts (one INTEGER PRIMARY KEY CHECK (one = 1), stored TEXT)')
    const statement = 'INSERT OR REPLACE INTO alerts (one, stored) VALUES (1, ?)'
    this.#sql.exec(statement, JSON.stringify(state))
  }

  /** A state that this version cannot read is as good as none: an alert that comes twice does less harm than a failure. */
  #read(): OutboxState {
    const [table] = this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'alerts'").toArray()
    if (table === undefined) return NOTHING_TOLD
    const [row] = this.#sql.exec('SELECT stored FROM alerts').toArray()
    const stored = z.string().safeParse(row?.['stored'])
    if (!stored.success) return NOTHING_TOLD
    return outboxState.safeParse(parseJson(stored.data)).data ?? NOTHING_TOLD
  }
}

function logDropped(id: string, cause: string): void {
  log({ event: 'trouble', what: 'alert_dropped', cause: `${id}: ${cause}` })
}
