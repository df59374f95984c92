/** The alerts that the gateway posts to the operator's webhook, as OpenAPI describes a webhook. */
import * as z from 'zod/mini'
import { PERCENTS } from '../alerts/budget-thresholds.ts'
import { PERIODS } from '../limits/limits.ts'
import { text, time } from './answer-fields.ts'
import { schemaReference } from './json-schema.ts'

const shape = {
  text: text('A sentence for people, which Slack shows. It can change.'),
  id: text('It names the fact. An alert that comes twice has the same id.'),
  at: time('The time of the fact.'),
}
const named = z.object({ id: z.string(), name: z.string() })
const ownerShape = {
  key: z.optional(named).check(z.describe('The key. An alert has either a key or a group.')),
  group: z.optional(named).check(z.describe('The group. An alert has either a key or a group.')),
}

export const alertPayload = z.union([
  z.object({
    ...shape,
    type: z.literal('budget'),
    percent: z.literal(PERCENTS).check(z.describe('The threshold that was passed.')),
    budgetUsd: z.number(),
    period: z.enum(PERIODS),
    spentUsd: z.number(),
    renewsAt: z.nullable(z.iso.datetime()).check(z.describe('Null for a budget over the life of a key.')),
    ...ownerShape,
  }),
  z.object({ ...shape, type: z.literal('key_expires'), expiresAt: z.string(), key: named }),
  z.object({
    ...shape,
    type: z.literal('model_ends'),
    model: z.string(),
    shutdownDate: z.iso.date(),
    withinDays: z.int().check(z.describe('60, 14 or 1, and 0 from the day of the end on.')),
  }),
  z.object({ ...shape, type: z.literal('no_credit'), reason: z.string() }),
  z.object({
    ...shape,
    type: z.literal('unpublished'),
    target: z.enum(['kv', 'directory', 'usage']),
    since: z.iso.datetime(),
    ...ownerShape,
  }),
  z.object({ ...shape, type: z.literal('test') }),
])

const BUDGET = {
  text: 'The group team red (grp_Abc123Abc123) has used 80 % of its budget of 200 dollars a month: 160.02 dollars. It renews at 2027-02-01T00:00:00.000Z.',
  id: 'budget:grp_Abc123Abc123:month:2027-01:200000000:80',
  at: '2027-01-26T12:00:00.000Z',
  type: 'budget',
  percent: 80,
  budgetUsd: 200,
  period: 'month',
  spentUsd: 160.02,
  renewsAt: '2027-02-01T00:00:00.000Z',
  group: { id: 'grp_Abc123Abc123', name: 'team red' },
}

/** The `webhooks` of the description. */
export const WEBHOOKS = {
  alert: {
    post: {
      operationId: 'alert',
      tags: ['Alerts'],
      summary: 'Tell the operator of an alert',
      description:
        'The gateway posts it to `ALERT_WEBHOOK_URL`. What is not answered with 2xx within 10 seconds is retried for a day.',
      security: [],
      parameters: [
        {
          name: 'x-gateway-signature',
          in: 'header',
          description:
            '`t=<Unix seconds>,v1=<hex>`: HMAC-SHA256 of `<t>.<body>` with `ALERT_WEBHOOK_SECRET`. Absent without that secret.',
          schema: { type: 'string', pattern: '^t=\\d+,v1=[0-9a-f]{64}$' },
        },
      ],
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: schemaReference('Alert'),
            examples: { budget: { summary: 'A budget of a group', value: BUDGET } },
          },
        },
      },
      responses: { '2XX': { description: 'The alert was received.' } },
    },
  },
}
