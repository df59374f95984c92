/** The operator's webhook: its address, and one attempt to post an alert to it. */
import { causeOf } from '../log.ts'
import { orTimeoutError } from '../timeout.ts'

/** How long an attempt may take, ms. */
export const SEND_TIMEOUT_MS = 10_000

/** The vars that alerts need. */
export interface AlertVars {
  ALERT_WEBHOOK_URL?: unknown
  ALERT_WEBHOOK_SECRET?: unknown
}

export interface Webhook {
  url: URL
  /** The key of the signature; `null` for alerts without one. */
  secret: string | null
}

/** The result of an attempt. */
export interface Delivery {
  /** The status of the endpoint's answer; `null` where it has not answered. */
  status: number | null
  ms: number
  /** Why the alert was not delivered; `null` where it was. It does not hold the address, which is a secret. */
  failure: string | null
}

/** `null` where the address is missing or is not one of `parseAddress`. */
export function webhookOf({ ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET: secret }: AlertVars): Webhook | null {
  const url = parseAddress(ALERT_WEBHOOK_URL)
  if (url === null) return null
  return { url, secret: typeof secret === 'string' && secret !== '' ? secret : null }
}

/** An https address without a user name; http is taken on this machine alone. `null` for anything else. */
export function parseAddress(text: unknown): URL | null {
  const url = typeof text === 'string' ? URL.parse(text.trim()) : null
  if (url === null || url.username !== '' || url.password !== '') return null
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLocal) ? url : null
}

/** Posts an alert that waits. Why it was not delivered; `null` where it was. */
export async function postWaiting(vars: AlertVars, body: string): Promise<string | null> {
  const webhook = webhookOf(vars)
  return webhook === null ? 'ALERT_WEBHOOK_URL is not set' : (await postAlert(webhook, body)).failure
}

/** Posts once. A redirect is not followed, and the answer's body is not read. It never throws. */
export async function postAlert({ url, secret }: Webhook, body: string): Promise<Delivery> {
  const startedMs = Date.now()
  const ended = (status: number | null, failure: string | null): Delivery => ({
    status,
    ms: Date.now() - startedMs,
    failure,
  })
  const attempt = new AbortController()
  try {
    const signature = secret === null ? {} : { 'x-gateway-signature': await sign(secret, body, startedMs) }
    const request = fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json; charset=utf-8', ...signature },
      body,
      signal: attempt.signal,
    })
    const { ok, status } = await orTimeoutError(request, SEND_TIMEOUT_MS)
    if (ok) return ended(status, null)
    const isRedirect = status >= 300 && status < 400
    return ended(status, `the endpoint answered ${status}${isRedirect ? ', a redirect' : ''}`)
  } catch (error) {
    return ended(null, causeOf(error).replaceAll(url.href, 'the address').replaceAll(url.host, 'the host'))
  } finally {
    // It ends a call that hangs, and the answer's body.
    attempt.abort()
  }
}

/** `t=<Unix seconds>,v1=<hex>`: HMAC-SHA256 of the time, a dot and the body. A receiver refuses an old time. */
export async function sign(secret: string, body: string, nowMs: number): Promise<string> {
  const encoder = new TextEncoder()
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign'])
  const seconds = Math.floor(nowMs / 1000)
  const mac = await crypto.subtle.sign('HMAC', key, encoder.encode(`${seconds}.${body}`))
  const hex = Array.from(new Uint8Array(mac), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `t=${seconds},v1=${hex}`
}
