/** The operator's route for a list that was lost. */
import { limitParameter } from '../../admin/query-parameters.ts'
import { REBUILD_LIMIT_DEFAULT, REBUILD_LIMIT_MAX } from '../../admin/requests.ts'
import { ANYWHERE, WITH_TOKEN } from '../failure-lists.ts'
import { type Operation, type Parameter, refusalOfQuery } from '../operation.ts'
import { CURSOR, GROUP_ID, limit } from './parameters.ts'

/** Without an example, since it does not go together with those of the other parameters. */
const ONE_GROUP: Parameter = {
  name: 'group',
  in: 'query',
  description: 'The id of the only group that reports again. There are then no pages.',
  schema: GROUP_ID.schema,
}

export const directoryOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/admin/directory/rebuild',
    id: 'rebuildDirectory',
    tag: 'Directory',
    summary: 'Fill the lists of keys and groups again from the accounts',
    description:
      'It imports keys of version 0.1 too. Repeat it with `nextCursor` until that is null. Keys that were deleted more than 30 days ago do not come back. Groups come back with their keys. A group without keys comes back by its id, as `group`.',
    caller: 'operator',
    parameters: [limit('Keys', REBUILD_LIMIT_DEFAULT, REBUILD_LIMIT_MAX), CURSOR, ONE_GROUP],
    answer: {
      status: 200,
      description: 'The keys of a page and their groups, or the one group, have reported again.',
      json: {
        schema: 'Rebuilt',
        examples: {
          last: { summary: 'The last page', value: { republished: 7, failed: [], nextCursor: null } },
        },
      },
    },
    refusal: refusalOfQuery(() => limitParameter({ limit: '0' }, REBUILD_LIMIT_DEFAULT, REBUILD_LIMIT_MAX)),
    failures: [...WITH_TOKEN, 'keys_unavailable', ...ANYWHERE],
  },
]
