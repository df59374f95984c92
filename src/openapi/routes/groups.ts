/** The operator's routes for groups. */
import { groupListQuery } from '../../admin/list-query.ts'
import { groupCreation, groupUpdate, LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from '../../admin/requests.ts'
import { ANYWHERE, WITH_BODY, WITH_TOKEN } from '../failure-lists.ts'
import { type Operation, refusalOfBody, refusalOfQuery } from '../operation.ts'
import { CURSOR, GROUP_ID, limit, NAME_PREFIX, SORT } from './parameters.ts'

const GROUP = {
  id: 'grp_Abc123Abc123',
  name: 'team red',
  createdAt: '2027-01-05T12:00:00.000Z',
  limits: { requestsPerMinute: 600, budget: { usd: 200, period: 'month' } },
}

const OF_GROUP = ['group_not_found', 'keys_unavailable'] as const

export const groupOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/admin/groups',
    id: 'listGroups',
    tag: 'Groups',
    summary: 'List the groups',
    caller: 'operator',
    parameters: [limit('Groups', LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX), CURSOR, NAME_PREFIX, SORT],
    answer: {
      status: 200,
      description: 'A page of groups.',
      json: {
        schema: 'GroupPage',
        examples: {
          last: {
            summary: 'The last page',
            value: { data: [{ ...GROUP, todayCostUsd: 1.204, monthCostUsd: 31.7 }], nextCursor: null },
          },
        },
      },
    },
    refusal: refusalOfQuery(() => groupListQuery({ sort: 'price' })),
    failures: [...WITH_TOKEN, 'keys_unavailable', ...ANYWHERE],
  },
  {
    method: 'post',
    path: '/admin/groups',
    id: 'createGroup',
    tag: 'Groups',
    summary: 'Create a group',
    description: 'A key gets the group by `group` in `POST /admin/keys` or `PATCH /admin/keys/{id}`.',
    caller: 'operator',
    body: {
      schema: 'GroupCreation',
      required: true,
      examples: {
        budget: {
          summary: 'A group whose keys share a budget',
          value: { name: 'team red', limits: { budget: { usd: 200, period: 'month' } } },
        },
        limits: {
          summary: 'A group with all limits',
          value: {
            name: 'team red',
            limits: {
              requestsPerMinute: 600,
              tokensPerMinute: 2_000_000,
              requestsPerDay: 50_000,
              concurrentRequests: 40,
              budget: { usd: 200, period: 'month' },
            },
          },
        },
        named: { summary: 'A group for its bill alone', value: { name: 'team red' } },
      },
    },
    answer: {
      status: 201,
      description: 'The group.',
      json: { schema: 'Group', examples: { created: { summary: 'A new group', value: GROUP } } },
    },
    refusal: refusalOfBody(groupCreation, { name: 'team red', limits: { mode: 'exact' } }),
    failures: [...WITH_TOKEN, ...WITH_BODY, 'keys_unavailable', ...ANYWHERE],
  },
  {
    method: 'get',
    path: '/admin/groups/{id}',
    id: 'getGroup',
    tag: 'Groups',
    summary: 'Show a group',
    description:
      'Its keys are in `GET /admin/keys?group=`, and its usage is in `GET /admin/groups/{id}/usage`.',
    caller: 'operator',
    parameters: [GROUP_ID],
    answer: {
      status: 200,
      description: 'The group.',
      json: { schema: 'Group', examples: { group: { summary: 'A group', value: GROUP } } },
    },
    failures: [...WITH_TOKEN, ...OF_GROUP, ...ANYWHERE],
  },
  {
    method: 'patch',
    path: '/admin/groups/{id}',
    id: 'updateGroup',
    tag: 'Groups',
    summary: 'Change a group',
    description: 'Fields of parallel changes all survive.',
    caller: 'operator',
    parameters: [GROUP_ID],
    body: {
      schema: 'GroupUpdate',
      required: true,
      examples: {
        limits: {
          summary: 'Raise the budget and remove a limit',
          value: { limits: { budget: { usd: 300, period: 'month' }, requestsPerMinute: null } },
        },
        name: { summary: 'Rename it', value: { name: 'team blue' } },
      },
    },
    answer: {
      status: 200,
      description: 'The group as it is now.',
      json: {
        schema: 'Group',
        examples: { renamed: { summary: 'A renamed group', value: { ...GROUP, name: 'team blue' } } },
      },
    },
    refusal: refusalOfBody(groupUpdate, { limits: { budget: { usd: 0, period: 'month' } } }),
    failures: [...WITH_TOKEN, ...WITH_BODY, ...OF_GROUP, ...ANYWHERE],
  },
  {
    method: 'delete',
    path: '/admin/groups/{id}',
    id: 'deleteGroup',
    tag: 'Groups',
    summary: 'Delete a group',
    description: 'It must have no keys. Deleted keys do not count.',
    caller: 'operator',
    parameters: [GROUP_ID],
    answer: {
      status: 200,
      description: 'The group has ended, and its usage stays in the reports.',
      json: {
        schema: 'DeletedGroup',
        examples: {
          deleted: {
            summary: 'A deleted group',
            value: { id: GROUP.id, deleted: true, usageKeptUntil: '2028-03-06' },
          },
        },
      },
    },
    failures: [...WITH_TOKEN, ...OF_GROUP, 'group_not_empty', ...ANYWHERE],
  },
]
