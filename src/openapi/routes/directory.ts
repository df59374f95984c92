/** The operator's route for a list that was lost. */
import { limitParameter } from '../../admin/query-parameters.ts'
import { REBUILD_LIMIT_DEFAULT, REBUILD_LIMIT_MAX } from '../../admin/requests.ts'
import { ANYWHERE, WITH_TOKEN } from '../failure-lists.ts'
import { type Operation, refusalOfQuery } from '../operation.ts'
import { CURSOR, limit } from './parameters.ts'

export const directoryOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/admin/directory/rebuild',
    id: 'rebuildDirectory',
    tag: 'Directory',
    summary: 'Fill the list of keys again from the accounts',
    description:
      'It imports keys of version 0.1 too. Repeat it with `nextCursor` until that is null. Keys that were deleted more than 30 days ago do not come back.',
    caller: 'operator',
    parameters: [limit('Keys', REBUILD_LIMIT_DEFAULT, REBUILD_LIMIT_MAX), CURSOR],
    answer: {
      status: 200,
      description: 'The keys of a page have reported again.',
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
