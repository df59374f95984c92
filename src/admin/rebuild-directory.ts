/** The operator's route for a directory that was lost, and for keys of version 0.1 that it does not know yet. */
import type { Context } from 'hono'
import { CURSOR_LENGTH_MAX } from '../accounts/cursor.ts'
import type { Gateway } from '../context.ts'
import { isolateOf } from '../isolate.ts'
import { type CopyPage, listCopies } from '../keys/key-copy.ts'
import { KEY_READ_TIMEOUT_MS } from '../keys/key-store.ts'
import { KEY_ID_FORM } from '../keys/secret.ts'
import { orServiceUnavailable } from '../keys/service-unavailable.ts'
import { causeOf } from '../log.ts'
import { orTimeoutError } from '../timeout.ts'
import { invalidQuery } from './invalid-query.ts'
import { limitParameter } from './query-parameters.ts'
import { REBUILD_LIMIT_DEFAULT, REBUILD_LIMIT_MAX } from './requests.ts'

/**
 * `POST /admin/directory/rebuild?cursor&limit`: the accounts of a page of keys report to the directory again. An account
 * takes over a record of version 0.1 first. `failed` has the ids of keys whose account or record cannot be read. A report that
 * fails is retried by its account. `limit` is 1 to 40, default 20. Keys that were deleted more than 30 days ago have no copy
 * in KV, and do not come back.
 *
 * @throws GatewayError `invalid_parameter`, `keys_unavailable` where KV fails.
 */
export async function rebuildDirectory(c: Context<Gateway>): Promise<Response> {
  const limit = limitParameter(c.req.query(), REBUILD_LIMIT_DEFAULT, REBUILD_LIMIT_MAX)
  const cursor = c.req.query('cursor') ?? null
  if (cursor === '' || (cursor?.length ?? 0) > CURSOR_LENGTH_MAX) throw invalidCursor()
  const { ids, nextCursor } = await orServiceUnavailable(page(c.env.KV, cursor, limit), 'keys_unavailable')
  const { accounts } = isolateOf(c.env)
  const outcomes = await Promise.all(
    // No object is created for a text that is no id.
    ids.map(async (id) => ({
      id,
      kind: KEY_ID_FORM.test(id) ? (await accounts.republish(id)).kind : 'absent',
    })),
  )
  const failed = outcomes.flatMap(({ id, kind }) => (kind === 'found' || kind === 'deleted' ? [] : [id]))
  return c.json({ republished: ids.length - failed.length, failed, nextCursor })
}

async function page(kv: KVNamespace, cursor: string | null, limit: number): Promise<CopyPage> {
  try {
    return await orTimeoutError(listCopies(kv, cursor, limit), KEY_READ_TIMEOUT_MS)
  } catch (error) {
    // KV answers 400 to a cursor that it has not given.
    if (cursor !== null && causeOf(error).includes(' failed: 400 ')) throw invalidCursor()
    throw error
  }
}

function invalidCursor(): Error {
  return invalidQuery('cursor', "the 'nextCursor' of the page before")
}
