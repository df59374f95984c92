/** The routes for single requests, and for what a key asked for in each minute. */
import { ANYWHERE, WITH_KEY, WITH_TOKEN } from '../failure-lists.ts'
import type { Operation } from '../operation.ts'
import { KEY_ID } from './parameters.ts'

const SETTLED = {
  id: 'req_Abc123Abc1230123456789abcdef0123',
  state: 'settled',
  at: '2027-01-31T12:00:00.000Z',
  model: 'o3-mini',
  admittedBy: 'account',
  status: 200,
  reason: null,
  firstOutputMs: 1800,
  durationMs: 5200,
  logId: '01J0000000000000000000',
  promptTokens: 400,
  cachedTokens: 0,
  completionTokens: 900,
  reasoningTokens: 512,
  costUsd: 0.0044,
  certainty: 'exact',
}
const REFUSED = {
  id: 'req_Abc123Abc123abcdef0123456789abcd',
  state: 'refused',
  at: '2027-01-31T11:59:00.000Z',
  status: 429,
  code: 'rate_limit_exceeded',
  limit: { name: 'requests', limit: 60, used: 60, of: 'key' },
}
const KEY = KEY_ID.example

export const historyOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/usage/requests',
    id: 'listOwnRequests',
    tag: 'Usage',
    summary: 'List the last requests of the caller’s key',
    description: 'At most 200, refused ones too, the newest first.',
    caller: 'key',
    answer: {
      status: 200,
      description: 'The last requests.',
      headers: ['cache-control'],
      json: {
        schema: 'OwnRequests',
        examples: { two: { summary: 'An answer and a refusal', value: { data: [SETTLED, REFUSED] } } },
      },
    },
    failures: [...WITH_KEY, 'usage_unavailable', ...ANYWHERE],
  },
  {
    method: 'get',
    path: '/admin/keys/{id}/requests',
    id: 'listKeyRequests',
    tag: 'Usage',
    summary: 'List the last requests of a key',
    description: 'At most 200, refused ones too, the newest first.',
    caller: 'operator',
    parameters: [KEY_ID],
    answer: {
      status: 200,
      description: 'The last requests.',
      json: {
        schema: 'KeyRequests',
        examples: {
          two: { summary: 'An answer and a refusal', value: { id: KEY, data: [SETTLED, REFUSED] } },
        },
      },
    },
    failures: [...WITH_TOKEN, 'key_not_found', 'usage_unavailable', ...ANYWHERE],
  },
  {
    method: 'get',
    path: '/admin/requests/{id}',
    id: 'getRequest',
    tag: 'Usage',
    summary: 'Tell what became of a request',
    caller: 'operator',
    parameters: [
      {
        name: 'id',
        in: 'path',
        description: 'The request’s id, as `x-request-id` has it.',
        schema: { type: 'string' },
        example: SETTLED.id,
      },
    ],
    answer: {
      status: 200,
      description: 'The request.',
      json: {
        schema: 'RequestReport',
        examples: { settled: { summary: 'An answer', value: { keyId: KEY, ...SETTLED } } },
      },
    },
    failures: [...WITH_TOKEN, 'request_not_found', 'usage_unavailable', ...ANYWHERE],
  },
  {
    method: 'get',
    path: '/admin/keys/{id}/minutes',
    id: 'listKeyMinutes',
    tag: 'Usage',
    summary: 'List the minutes in which a key was used',
    description: 'Of the last 8 days, in the order of time.',
    caller: 'operator',
    parameters: [KEY_ID],
    answer: {
      status: 200,
      description: 'The minutes with any request.',
      json: {
        schema: 'KeyMinutes',
        examples: {
          one: {
            summary: 'A minute',
            value: {
              id: KEY,
              data: [
                {
                  minute: '2027-01-31T12:00:00.000Z',
                  requests: 60,
                  refused: 4,
                  tokens: 78_000,
                  costUsd: 0.2,
                },
              ],
            },
          },
        },
      },
    },
    failures: [...WITH_TOKEN, 'key_not_found', 'usage_unavailable', ...ANYWHERE],
  },
]
