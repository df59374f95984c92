/** The operator's route that tries the webhook of alerts. */
import type { Context } from 'hono'
import { raisedAlert } from '../alerts/alert.ts'
import { type Delivery, postAlert, webhookOf } from '../alerts/webhook.ts'
import type { Gateway } from '../context.ts'

const SET_URL = 'Run: npx wrangler secret put ALERT_WEBHOOK_URL'

/**
 * `POST /admin/alerts/test`: sends one test alert at once, and says what the endpoint answered. It is always a 200, since a
 * webhook that fails is an answer to the question. `signed` says whether ALERT_WEBHOOK_SECRET is set.
 */
export async function testAlert(c: Context<Gateway>): Promise<Response> {
  const webhook = webhookOf(c.env)
  if (webhook === null) {
    const isSet = (c.env.ALERT_WEBHOOK_URL ?? '') !== ''
    const reason = isSet
      ? 'ALERT_WEBHOOK_URL is no https address, or has a user name'
      : 'ALERT_WEBHOOK_URL is not set'
    return c.json({ state: 'off', status: null, ms: null, signed: false, reason, action: SET_URL })
  }
  const { body } = raisedAlert(`test:${crypto.randomUUID()}`, { type: 'test' }, Date.now())
  const delivery = await postAlert(webhook, body)
  const { status, ms, failure } = delivery
  const sent = { status, ms, signed: webhook.secret !== null }
  if (failure === null) return c.json({ state: 'delivered', ...sent })
  return c.json({ state: 'failed', ...sent, reason: failure, action: actionOf(delivery) })
}

function actionOf({ status }: Delivery): string {
  if (status === null)
    return `Look whether the endpoint is reachable from the internet, or set another one. ${SET_URL}`
  if (status >= 500 || status === 429) return 'The endpoint is in trouble. Alerts are retried for a day.'
  return `The endpoint does not take alerts at this address. Set the right one. ${SET_URL}`
}
