/** The route for monitors. */
import { ANYWHERE } from '../failure-lists.ts'
import type { Operation } from '../operation.ts'

export const healthOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/health',
    id: 'getHealth',
    tag: 'Health',
    summary: 'Tell that the gateway runs',
    description: 'It asks neither KV nor the model.',
    caller: 'anyone',
    answer: {
      status: 200,
      description: 'The gateway runs.',
      json: { schema: 'Health', examples: { ok: { summary: 'The only answer', value: { status: 'ok' } } } },
    },
    failures: ANYWHERE,
  },
]
