/** The routes for usage: of the caller's own key, of one key and of all keys. */
import { RANGE_DAYS_DEFAULT, USAGE_LIMIT_DEFAULT, USAGE_LIMIT_MAX } from '../../admin/requests.ts'
import { rangeQuery, usageQuery } from '../../admin/usage-query.ts'
import { GROUPINGS } from '../../accounts/usage-list.ts'
import { ANYWHERE, WITH_KEY, WITH_TOKEN } from '../failure-lists.ts'
import { type Operation, type Parameter, refusalOfQuery } from '../operation.ts'
import { CSV, dayOf, HOLDER_EXAMPLES, PAGE_EXAMPLES } from '../usage-examples.ts'
import { CURSOR, GROUP_ID, KEY_ID, limit, range } from './parameters.ts'

const PRICE_AS: Parameter = {
  name: 'priceAs',
  in: 'query',
  description: 'The name or slug of a model. Each sum then has its cost on that model too.',
  schema: { type: 'string' },
  example: 'openai/gpt-6-luna',
}
/** Without an example, since it does not go together with those of the other parameters. */
const FORMAT: Parameter = {
  name: 'format',
  in: 'query',
  description: 'The form of the answer.',
  schema: { type: 'string', enum: ['json', 'csv'], default: 'json' },
}
export const usageOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/usage',
    id: 'getOwnUsage',
    tag: 'Usage',
    summary: 'Show the limits and the usage of the caller’s key',
    description: 'The figures are up to 10 seconds old. More than 60 questions a minute are refused.',
    caller: 'key',
    answer: {
      status: 200,
      description: 'Limits, what is left of them, and 31 days of usage.',
      headers: ['cache-control'],
      json: {
        schema: 'HolderUsage',
        examples: HOLDER_EXAMPLES,
      },
    },
    failures: [...WITH_KEY, 'usage_unavailable', ...ANYWHERE],
  },
  {
    method: 'get',
    path: '/admin/keys/{id}/usage',
    id: 'getKeyUsage',
    tag: 'Usage',
    summary: 'Show the usage of a key',
    description: 'The usage of a deleted key stays.',
    caller: 'operator',
    parameters: [KEY_ID, ...range(31), PRICE_AS],
    answer: {
      status: 200,
      description: 'Usage and cost by day and model, and by combination of tags.',
      json: {
        schema: 'KeyUsage',
        examples: { month: { summary: 'A day', value: dayOf('Abc123Abc123') } },
      },
    },
    refusal: refusalOfQuery(() => rangeQuery({ from: 'yesterday' }, 31, 0)),
    failures: [...WITH_TOKEN, 'key_not_found', 'usage_unavailable', ...ANYWHERE],
  },
  {
    method: 'get',
    path: '/admin/groups/{id}/usage',
    id: 'getGroupUsage',
    tag: 'Usage',
    summary: 'Show the usage of a group',
    description: 'It is that of its keys while they had the group. The usage of a deleted group stays.',
    caller: 'operator',
    parameters: [GROUP_ID, ...range(31), PRICE_AS],
    answer: {
      status: 200,
      description: 'Usage and cost by day and model.',
      json: {
        schema: 'KeyUsage',
        examples: { month: { summary: 'A day', value: dayOf('grp_Abc123Abc123') } },
      },
    },
    refusal: refusalOfQuery(() => rangeQuery({ from: 'yesterday' }, 31, 0)),
    failures: [...WITH_TOKEN, 'group_not_found', 'usage_unavailable', ...ANYWHERE],
  },
  {
    method: 'get',
    path: '/admin/usage',
    id: 'getUsage',
    tag: 'Usage',
    summary: 'Show the usage of all keys or groups',
    description:
      'The figures are up to a minute old. With `format=csv` the answer is a file with a row for each day, key, model and combination of tags, and takes no parameter but the range.',
    caller: 'operator',
    parameters: [
      ...range(RANGE_DAYS_DEFAULT),
      FORMAT,
      PRICE_AS,
      {
        name: 'by',
        in: 'query',
        description: 'What a row is of. With `group`, usage of keys without a group is not in the total.',
        schema: { type: 'string', enum: GROUPINGS, default: 'day' },
        example: 'key',
      },
      {
        name: 'tag',
        in: 'query',
        description: 'With `by=tag`: one of the `usageTags`. A row is of each of its values.',
        schema: { type: 'string' },
      },
      limit('Rows', USAGE_LIMIT_DEFAULT, USAGE_LIMIT_MAX),
      CURSOR,
    ],
    answer: {
      status: 200,
      description: 'A page of rows, and the total of the range.',
      headers: ['content-disposition'],
      text: { type: 'text/csv', example: CSV },
      json: {
        schema: 'UsagePage',
        examples: PAGE_EXAMPLES,
      },
    },
    refusal: refusalOfQuery(() => usageQuery({ by: 'hour' }, 0, [])),
    failures: [...WITH_TOKEN, 'usage_unavailable', ...ANYWHERE],
  },
]
