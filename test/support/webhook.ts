/** What the receiving endpoint and the tests of alerts share. The tests' configuration reads it too, so it imports nothing. */

/** The key of the signatures. */
export const WEBHOOK_SECRET = 'webhook-secret-of-a-test-and-of-nothing-else'

export interface ReceivedAlert {
  headers: Record<string, string>
  body: string
}

/** A status, or an answer that does not end. */
export type WebhookAnswer = number | 'hang' | 'endless body'

export interface Payload {
  text: string
  id: string
  at: string
  type: string
  [field: string]: unknown
}

declare module 'vitest' {
  interface ProvidedContext {
    webhookOrigin: string
  }
}
