/** The alerts of an account: a budget that is used up, a key that expires, and reports that cannot be published. */
import { type Owner, raisedAlert } from '../alerts/alert.ts'
import { judgeBudget } from '../alerts/budget-thresholds.ts'
import { AlertOutbox } from '../alerts/outbox.ts'
import type { Waiting } from '../alerts/outbox-state.ts'
import { postWaiting, webhookOf } from '../alerts/webhook.ts'
import { DAY_MS, dateOf, datesPrefix, periodEndMs } from '../calendar.ts'
import { defaultBudgetOf } from '../config.ts'
import type { ApiKey } from '../keys/api-key.ts'
import { isGroupId } from '../keys/group-id.ts'
import type { Budget } from '../limits/limits.ts'
import { causeOf } from '../log.ts'
import { orTimeoutError } from '../timeout.ts'
import type { Account } from './account-store.ts'
import { limitMicroUsdOf } from './admission.ts'
import { alertDeskOf, type Bindings } from './objects.ts'
import type { Publication } from './publication.ts'
import { usdOf } from './usage-report.ts'

/** A key's end is told so long before it, ms. */
export const EXPIRY_TOLD_MS = 7 * DAY_MS
/** Publication that has failed for so long is told, ms. */
export const UNPUBLISHED_TOLD_MS = 300_000
/** How long an account waits for the object of the deployment's alerts, ms. */
export const DESK_TIMEOUT_MS = 2_000

export class AccountAlerts {
  readonly #env: Bindings
  readonly #accountOf: () => Account | null
  readonly #publication: Publication
  readonly #outbox: AlertOutbox
  /** Without a webhook, nothing is decided or stored. */
  readonly #isOn: boolean

  constructor(sql: SqlStorage, env: Bindings, accountOf: () => Account | null, publication: Publication) {
    this.#env = env
    this.#accountOf = accountOf
    this.#publication = publication
    this.#isOn = webhookOf(env) !== null
    this.#outbox = new AlertOutbox(sql, (alert) => deliver(env, alert))
  }

  /** Judges the budget. It is called in the transaction of each change, so that no threshold is lost or told twice. */
  noteBudget(nowMs: number): void {
    const account = this.#account()
    if (account === null || account.stored.deletedAt !== null) return
    const budget = this.#budgetOf(account)
    if (budget === undefined) return
    const { usd, period } = budget
    const today = dateOf(nowMs)
    const dates = datesPrefix(period, nowMs)
    const bookedMicroUsd = account.book.bookedMicroUsd(dates)
    const limitMicroUsd = limitMicroUsdOf(budget)
    const { state } = this.#outbox
    const { told, percent } = judgeBudget(state.budgets, { dates, limitMicroUsd, bookedMicroUsd }, today)
    if (told !== state.budgets) this.#outbox.save({ ...state, budgets: [...told] })
    if (percent === null) return
    const owner = ownerOf(account)
    const renewsAtMs = periodEndMs(period, nowMs)
    const renewsAt = renewsAtMs === null ? null : new Date(renewsAtMs).toISOString()
    const spentUsd = usdOf(bookedMicroUsd)
    const id = `budget:${account.stored.key.id}:${period}:${dates}:${limitMicroUsd}:${percent}`
    this.#outbox.raise(
      raisedAlert(
        id,
        { type: 'budget', percent, budgetUsd: usd, period, spentUsd, renewsAt, ...owner },
        nowMs,
      ),
      'webhook',
      nowMs,
    )
  }

  /** Tells what has become due by time alone. It is called by the alarm. */
  noteTime(nowMs: number): void {
    const account = this.#account()
    if (account === null) return
    const { id: ownerId, name, expiresAt } = account.stored.key
    if (expiresAt !== null && (this.#expiryAtMs(account, nowMs) ?? Infinity) <= nowMs) {
      const id = expiryId(account.stored.key)
      this.#outbox.raise(
        raisedAlert(id, { type: 'key_expires', expiresAt, key: { id: ownerId, name } }, nowMs),
        'webhook',
        nowMs,
      )
    }
    for (const { target, sinceMs } of this.#publication.failing()) {
      if (nowMs < sinceMs + UNPUBLISHED_TOLD_MS) continue
      // The id is the same for all accounts, so that an outage of thousands is one alert a day.
      const id = unpublishedId(target, nowMs)
      const since = new Date(sinceMs).toISOString()
      this.#outbox.raise(
        raisedAlert(id, { type: 'unpublished', target, since, ...ownerOf(account) }, nowMs),
        'desk',
        nowMs,
      )
    }
  }

  /** Sends what waits. It is called by the alarm alone, so that no request waits for the webhook. */
  async send(): Promise<void> {
    await this.#outbox.send()
  }

  /** When the account has to tell or to send next, ms since 1970; `null` for never. */
  nextAtMs(nowMs: number): number | null {
    const account = this.#account()
    const times = [this.#outbox.nextAtMs(nowMs) ?? Infinity]
    if (account !== null) {
      times.push(this.#expiryAtMs(account, nowMs) ?? Infinity)
      for (const { target, sinceMs } of this.#publication.failing())
        if (!this.#outbox.isTold(unpublishedId(target, nowMs))) times.push(sinceMs + UNPUBLISHED_TOLD_MS)
    }
    const nextAtMs = Math.min(...times)
    return nextAtMs === Infinity ? null : nextAtMs
  }

  /** `null` where there is no webhook. */
  #account(): Account | null {
    return this.#isOn ? this.#accountOf() : null
  }

  /** The default budget is of keys. A group without a budget has none. */
  #budgetOf({ stored: { key } }: Account): Budget | undefined {
    return key.limits.budget ?? (isGroupId(key.id) ? undefined : defaultBudgetOf(this.#env))
  }

  /** When the key's end is to be told; `null` for never. A key for less than a week was meant to end soon. */
  #expiryAtMs({ stored: { key, deletedAt } }: Account, nowMs: number): number | null {
    if (key.expiresAt === null || key.disabled || deletedAt !== null) return null
    const expiresAtMs = Date.parse(key.expiresAt)
    // A time that stays due would run the alarm again and again.
    if (expiresAtMs <= nowMs || this.#outbox.isTold(expiryId(key))) return null
    const toldAtMs = expiresAtMs - EXPIRY_TOLD_MS
    return toldAtMs > Date.parse(key.createdAt) ? toldAtMs : null
  }
}

/** Why the alert was not delivered; `null` where it was. */
async function deliver(env: Bindings, { id, body, via }: Waiting): Promise<string | null> {
  if (via === 'webhook') return postWaiting(env, body)
  try {
    await orTimeoutError(alertDeskOf(env).raiseAlert({ id, body }), DESK_TIMEOUT_MS)
    return null
  } catch (error) {
    return causeOf(error)
  }
}

function ownerOf({ stored: { key } }: Account): Owner {
  const { id, name } = key
  return isGroupId(id) ? { group: { id, name } } : { key: { id, name } }
}

/** A later end of the same key is another alert. */
function expiryId({ id, expiresAt }: ApiKey): string {
  return `key_expires:${id}:${expiresAt}`
}

function unpublishedId(target: string, nowMs: number): string {
  return `unpublished:${target}:${dateOf(nowMs)}`
}
