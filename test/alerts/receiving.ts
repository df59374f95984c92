/** The endpoint that receives the alerts of these tests: a real server, outside of the pool. */
import { inject } from 'vitest'
import { problemsOfValue } from '../support/described-answers.ts'
import type { Payload, ReceivedAlert, WebhookAnswer } from '../support/webhook.ts'

const origin = (): string => inject('webhookOrigin')

/** The endpoint answers so from now on, and forgets what it has received. */
export async function answer(how: WebhookAnswer): Promise<void> {
  await fetch(`${origin()}/answer`, { method: 'POST', body: JSON.stringify(how) })
}

export async function received(): Promise<ReceivedAlert[]> {
  return (await fetch(`${origin()}/received`)).json()
}

/** What was received, each as the API's description has it. */
export async function payloads(): Promise<Payload[]> {
  return (await received()).map(({ body }) => {
    const payload = JSON.parse(body) as Payload
    const problems = problemsOfValue(payload, { $ref: '#/components/schemas/Alert' }, true)
    if (problems.length > 0) throw new Error(`an alert is not as it is described: ${problems.join('; ')}`)
    return payload
  })
}

/** Whether the signature is the one of the body and of a time. */
export async function isSigned({ headers, body }: ReceivedAlert, secret: string): Promise<boolean> {
  const [, seconds, mac = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers['x-gateway-signature'] ?? '') ?? []
  const encoder = new TextEncoder()
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['verify'])
  const bytes = Uint8Array.from({ length: mac.length / 2 }, (_, at) =>
    parseInt(mac.slice(2 * at, 2 * at + 2), 16),
  )
  return crypto.subtle.verify('HMAC', key, bytes, encoder.encode(`${seconds}.${body}`))
}
