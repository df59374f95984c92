/** Tells the operator's webhook what an isolate sees of the deployment as a whole. */
import type { Context } from 'hono'
import { type Alert, raisedAlert } from '../alerts/alert.ts'
import { webhookOf } from '../alerts/webhook.ts'
import { dateOf } from '../calendar.ts'
import type { Gateway } from '../context.ts'
import { isolateOf } from '../isolate.ts'

/** The reason of an account without credit, in the words of `upstream/failures.ts`. */
const NO_CREDIT = /^upstream_no_credit\b/

/** Calls the object of the deployment's alerts behind the answer, once for each id. That object sends an id once in all. */
export function raiseAlert(c: Context<Gateway>, id: string, alert: Alert): void {
  const { accounts, raisedAlerts } = isolateOf(c.env)
  const nowMs = Date.now()
  if (!raisedAlerts.isDue(id, nowMs) || webhookOf(c.env) === null) return
  raisedAlerts.noteCall(id, nowMs)
  const raise = async (): Promise<void> => {
    const { kind } = await accounts.raiseAlert(raisedAlert(id, alert, nowMs))
    if (kind === 'raised') raisedAlerts.noteRaised(id)
  }
  c.executionCtx.waitUntil(raise())
}

/** Tells once a day that the account behind the gateway has no credit, if that is the reason of a failed call. */
export function raiseNoCredit(c: Context<Gateway>, reason: string): void {
  if (!NO_CREDIT.test(reason)) return
  raiseAlert(c, `no_credit:${dateOf(Date.now())}`, { type: 'no_credit', reason })
}
