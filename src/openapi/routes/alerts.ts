/** The operator's route that tries the webhook of alerts. */
import { ANYWHERE, WITH_TOKEN } from '../failure-lists.ts'
import type { Operation } from '../operation.ts'

export const alertOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/admin/alerts/test',
    id: 'testAlert',
    tag: 'Alerts',
    summary: 'Send a test alert to the webhook',
    description: 'A webhook that is not set, or fails, is told in a 200.',
    caller: 'operator',
    answer: {
      status: 200,
      description: 'What the webhook answered, and what to do.',
      json: {
        schema: 'TestedAlert',
        examples: {
          delivered: {
            summary: 'It was delivered',
            value: { state: 'delivered', status: 200, ms: 84, signed: true },
          },
          off: {
            summary: 'No webhook is set',
            value: {
              state: 'off',
              status: null,
              ms: null,
              signed: false,
              reason: 'ALERT_WEBHOOK_URL is not set',
              action: 'Run: npx wrangler secret put ALERT_WEBHOOK_URL',
            },
          },
        },
      },
    },
    failures: [...WITH_TOKEN, ...ANYWHERE],
  },
]
