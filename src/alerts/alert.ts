/** Alerts: what the operator's webhook is told, as a sentence that Slack shows and as fields. Pure. */
import type { Period } from '../calendar.ts'

interface Named {
  id: string
  name: string
}

/** The owner of an account: a key or a group. */
export type Owner = { key: Named } | { group: Named }

export type Alert =
  | ({
      type: 'budget'
      /** 80, 95 or 100. */
      percent: number
      budgetUsd: number
      period: Period
      spentUsd: number
      /** `null` for a budget over the key's life. */
      renewsAt: string | null
    } & Owner)
  | { type: 'key_expires'; expiresAt: string; key: Named }
  /** `withinDays` is 60, 14 or 1, and 0 from the day of the end on. */
  | { type: 'model_ends'; model: string; shutdownDate: string; withinDays: number }
  /** `reason` is a word of the log. */
  | { type: 'no_credit'; reason: string }
  /** The owner is that of the first account which has reported it. Other accounts may fail too. */
  | ({ type: 'unpublished'; target: 'kv' | 'directory' | 'usage'; since: string } & Owner)
  | { type: 'test' }

/** An alert with the id by which a receiver drops repetitions. Each attempt has the same id and body. */
export interface RaisedAlert {
  id: string
  /** The payload in JSON. */
  body: string
}

/** `id` names the fact, so that the same fact gives the same id. */
export function raisedAlert(id: string, alert: Alert, nowMs: number): RaisedAlert {
  const payload = { text: forSlack(textOf(alert)), id, at: new Date(nowMs).toISOString(), ...alert }
  return { id, body: JSON.stringify(payload) }
}

function textOf(alert: Alert): string {
  switch (alert.type) {
    case 'budget': {
      const { percent, budgetUsd, period, spentUsd, renewsAt } = alert
      const budget = `${budgetUsd} dollars ${period === 'total' ? 'in total' : `a ${period}`}`
      const renewal = renewsAt === null ? '' : ` It renews at ${renewsAt}.`
      return `The ${ownerOf(alert)} has used ${percent} % of its budget of ${budget}: ${spentUsd} dollars.${renewal}`
    }
    case 'key_expires':
      return `The ${ownerOf(alert)} expires at ${alert.expiresAt}.`
    case 'model_ends': {
      const { model, shutdownDate, withinDays } = alert
      const end = withinDays === 0 ? 'ended' : 'ends'
      return `The model ${model} ${end} on ${shutdownDate}. The var MODELS can point its name at another model.`
    }
    case 'no_credit':
      return 'The Cloudflare account has no credit left or has reached its spend limit. Requests fail until you add credit or raise the limit.'
    case 'unpublished': {
      const { target, since } = alert
      const where = target === 'kv' ? 'KV' : 'the directory'
      return `The account of the ${ownerOf(alert)} cannot publish to ${where} since ${since}. Other accounts may fail too. GET /admin/health shows what works.`
    }
    case 'test':
      return 'This is a test alert of the gateway.'
  }
}

function ownerOf(owner: Owner): string {
  const [kind, { id, name }] = 'key' in owner ? ['key', owner.key] : ['group', owner.group]
  return `${kind} ${name} (${id})`
}

/** Slack takes these three characters for markup, such as a mention of a whole channel: https://docs.slack.dev/messaging/formatting-message-text */
function forSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
