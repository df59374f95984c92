/** The routes for monitors and for the operator's health page. */
import { ANYWHERE, WITH_TOKEN } from '../failure-lists.ts'
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
  {
    method: 'get',
    path: '/admin/health',
    id: 'getHealthReport',
    tag: 'Health',
    summary: 'Tell what works, and what to do where it does not',
    description:
      'It reads KV, and calls an account and the directory. It does not call the model. A part that fails is told in a 200.',
    caller: 'operator',
    answer: {
      status: 200,
      description: 'The state of each part.',
      json: {
        schema: 'HealthReport',
        examples: {
          ok: {
            summary: 'All parts work',
            value: {
              state: 'ok',
              at: '2027-01-31T12:00:00.000Z',
              parts: {
                kv: { state: 'ok', ms: 12 },
                accounts: { state: 'ok', ms: 18 },
                directory: { state: 'ok', ms: 21 },
                upstream: { state: 'ok', lastAnswerAt: '2027-01-31T11:59:58.000Z', lastFailureAt: null },
              },
            },
          },
        },
      },
    },
    failures: [...WITH_TOKEN, ...ANYWHERE],
  },
]
