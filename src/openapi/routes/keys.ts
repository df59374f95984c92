/** The operator's routes for keys. */
import { STATES } from '../../accounts/key-list.ts'
import { listQuery } from '../../admin/list-query.ts'
import {
  keyCreation,
  keyRotation,
  keyUpdate,
  LIST_LIMIT_DEFAULT,
  LIST_LIMIT_MAX,
} from '../../admin/requests.ts'
import { ANYWHERE, WITH_BODY, WITH_TOKEN } from '../failure-lists.ts'
import { type Operation, type Parameter, refusalOfBody, refusalOfQuery } from '../operation.ts'
import { CURSOR, GROUP_ID, KEY_ID, limit, NAME_PREFIX, SORT } from './parameters.ts'

const KEY = {
  id: 'Abc123Abc123',
  name: 'alice',
  createdAt: '2027-01-05T12:00:00.000Z',
  expiresAt: null,
  disabled: false,
  limits: { requestsPerMinute: 60 },
}
const SECRET = 'sk-gw-Abc123Abc123-NotTheSecretOfAnyKeyAtAll000000000'

const LIST_PARAMETERS: readonly Parameter[] = [
  limit('Keys', LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX),
  CURSOR,
  NAME_PREFIX,
  {
    name: 'id',
    in: 'query',
    description: 'One key alone.',
    schema: KEY_ID.schema,
    example: 'Abc123Abc123',
  },
  {
    name: 'group',
    in: 'query',
    description: 'The id of a group: its keys alone.',
    schema: GROUP_ID.schema,
    example: 'grp_Abc123Abc123',
  },
  {
    name: 'state',
    in: 'query',
    description: 'Keys of one state; all but the deleted by default.',
    schema: { type: 'string', enum: STATES },
    example: 'active',
  },
  SORT,
]

const OF_KEY = ['key_not_found', 'keys_unavailable', 'key_record_unreadable'] as const

export const keyOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/admin/keys',
    id: 'listKeys',
    tag: 'Keys',
    summary: 'List the keys',
    caller: 'operator',
    parameters: LIST_PARAMETERS,
    answer: {
      status: 200,
      description: 'A page of keys.',
      json: {
        schema: 'KeyPage',
        examples: {
          last: {
            summary: 'The last page',
            value: { data: [{ ...KEY, todayCostUsd: 0.2068, monthCostUsd: 4.1 }], nextCursor: null },
          },
        },
      },
    },
    refusal: refusalOfQuery(() => listQuery({ sort: 'price' })),
    failures: [...WITH_TOKEN, 'keys_unavailable', ...ANYWHERE],
  },
  {
    method: 'post',
    path: '/admin/keys',
    id: 'createKey',
    tag: 'Keys',
    summary: 'Create a key',
    caller: 'operator',
    body: {
      schema: 'KeyCreation',
      required: true,
      examples: {
        named: { summary: 'A key with the gateway’s default limits', value: { name: 'alice' } },
        budget: {
          summary: 'A key with limits, a budget and an end',
          value: {
            name: 'alice',
            expiresAt: '2099-01-31T00:00:00Z',
            limits: {
              requestsPerMinute: 60,
              requestsPerDay: 5000,
              tokensPerMinute: 200_000,
              concurrentRequests: 8,
              completionTokensPerRequest: 20_000,
              mode: 'exact',
              budget: { usd: 20, period: 'month' },
            },
          },
        },
        reach: {
          summary: 'A key of a group, for one model and one network',
          value: {
            name: 'alice',
            group: 'grp_Abc123Abc123',
            models: ['o3-mini'],
            allowedAddresses: ['203.0.113.7', '2001:db8::/32'],
          },
        },
      },
    },
    answer: {
      status: 201,
      description: 'The key and its secret.',
      json: {
        schema: 'CreatedKey',
        examples: { created: { summary: 'A new key', value: { ...KEY, secret: SECRET } } },
      },
    },
    refusal: refusalOfBody(keyCreation, { name: 'alice', limits: { requestsPerMinute: 0 } }),
    failures: [...WITH_TOKEN, ...WITH_BODY, 'keys_unavailable', ...ANYWHERE],
  },
  {
    method: 'get',
    path: '/admin/keys/{id}',
    id: 'getKey',
    tag: 'Keys',
    summary: 'Show a key',
    caller: 'operator',
    parameters: [KEY_ID],
    answer: {
      status: 200,
      description: 'The key.',
      json: { schema: 'Key', examples: { key: { summary: 'A key', value: KEY } } },
    },
    failures: [...WITH_TOKEN, ...OF_KEY, ...ANYWHERE],
  },
  {
    method: 'patch',
    path: '/admin/keys/{id}',
    id: 'updateKey',
    tag: 'Keys',
    summary: 'Change a key',
    description: 'Fields of parallel changes all survive.',
    caller: 'operator',
    parameters: [KEY_ID],
    body: {
      schema: 'KeyUpdate',
      required: true,
      examples: {
        disable: { summary: 'Disable it', value: { disabled: true } },
        limits: {
          summary: 'Set one limit and remove another',
          value: { limits: { requestsPerMinute: 120, tokensPerMinute: null } },
        },
        group: { summary: 'Give it a group', value: { group: 'grp_Abc123Abc123' } },
        reach: {
          summary: 'Remove its group and its lists',
          value: { group: null, models: null, allowedAddresses: null },
        },
      },
    },
    answer: {
      status: 200,
      description: 'The key as it is now.',
      json: {
        schema: 'Key',
        examples: { disabled: { summary: 'A disabled key', value: { ...KEY, disabled: true } } },
      },
    },
    refusal: refusalOfBody(keyUpdate, { disabled: 'yes' }),
    failures: [...WITH_TOKEN, ...WITH_BODY, ...OF_KEY, ...ANYWHERE],
  },
  {
    method: 'delete',
    path: '/admin/keys/{id}',
    id: 'deleteKey',
    tag: 'Keys',
    summary: 'Delete a key',
    description: 'Other locations can accept it for a minute more.',
    caller: 'operator',
    parameters: [KEY_ID],
    answer: {
      status: 200,
      description: 'The key has ended, and its usage stays in the reports.',
      json: {
        schema: 'DeletedKey',
        examples: {
          deleted: {
            summary: 'A deleted key',
            value: { id: KEY.id, deleted: true, usageKeptUntil: '2028-03-06' },
          },
        },
      },
    },
    failures: [...WITH_TOKEN, ...OF_KEY, ...ANYWHERE],
  },
  {
    method: 'post',
    path: '/admin/keys/{id}/rotate',
    id: 'rotateKey',
    tag: 'Keys',
    summary: 'Make a new secret',
    description: 'The body may be absent: the old secret then ends at once.',
    caller: 'operator',
    parameters: [KEY_ID],
    body: {
      schema: 'KeyRotation',
      required: false,
      examples: {
        grace: { summary: 'The old secret stays good for an hour', value: { graceSeconds: 3600 } },
      },
    },
    answer: {
      status: 200,
      description: 'The key and its new secret.',
      json: {
        schema: 'RotatedKey',
        examples: {
          rotated: {
            summary: 'A new secret',
            value: { ...KEY, secret: SECRET, previousValidUntil: '2027-01-05T13:00:00.000Z' },
          },
        },
      },
    },
    refusal: refusalOfBody(keyRotation, { graceSeconds: -1 }),
    failures: [...WITH_TOKEN, ...WITH_BODY, ...OF_KEY, ...ANYWHERE],
  },
]
