/** The operator's route for a directory that was lost, and for keys of version 0.1 that it does not know yet. */
import type { Context } from 'hono'
import { CURSOR_LENGTH_MAX } from '../accounts/cursor.ts'
import type { Gateway } from '../context.ts'
import { isolateOf } from '../isolate.ts'
import type { KeyReading } from '../keys/api-key.ts'
import { GROUP_ID_FORM } from '../keys/group-id.ts'
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
 * `POST /admin/directory/rebuild?cursor&limit`: the accounts of a page of keys, and those of their groups, report to the
 * directories again. An account takes over a record of version 0.1 first. `failed` has the ids of keys and groups whose account
 * or record cannot be read. A report that fails is retried by its account. `limit` is 1 to 24 keys, default 20. Keys that were
 * deleted more than 30 days ago have no copy in KV, and do not come back.
 *
 * Groups have no copy in KV: the records of their keys name them. `?group=<id>` has one group report that no key names.
 *
 * @throws GatewayError `invalid_parameter`, `keys_unavailable` where KV fails.
 */
export async function rebuildDirectory(c: Context<Gateway>): Promise<Response> {
  const { group, cursor = null } = c.req.query()
  if (group !== undefined) {
    if (!GROUP_ID_FORM.test(group)) throw invalidQuery('group', 'the id of a group')
    return c.json({ ...countOf(await republish(c, [group], GROUP_ID_FORM)), nextCursor: null })
  }
  const limit = limitParameter(c.req.query(), REBUILD_LIMIT_DEFAULT, REBUILD_LIMIT_MAX)
  if (cursor === '' || (cursor?.length ?? 0) > CURSOR_LENGTH_MAX) throw invalidCursor()
  const { ids, nextCursor } = await orServiceUnavailable(page(c.env.KV, cursor, limit), 'keys_unavailable')
  const keys = await republish(c, ids, KEY_ID_FORM)
  const groups = await republish(c, groupsOf(keys), GROUP_ID_FORM)
  return c.json({ ...countOf([...keys, ...groups]), nextCursor })
}

interface Outcome {
  id: string
  reading: KeyReading
}

/** No object is created for a text that is no id. */
function republish(c: Context<Gateway>, ids: readonly string[], form: RegExp): Promise<Outcome[]> {
  const { accounts } = isolateOf(c.env)
  return Promise.all(
    ids.map(async (id) => ({
      id,
      reading: form.test(id) ? await accounts.republish(id) : { kind: 'absent' },
    })),
  )
}

function groupsOf(keys: readonly Outcome[]): string[] {
  const groups = keys.flatMap(({ reading }) => (reading.kind === 'found' ? (reading.key.group ?? []) : []))
  return [...new Set(groups)]
}

function countOf(outcomes: readonly Outcome[]): { republished: number; failed: string[] } {
  const failed = outcomes.filter(({ reading: { kind } }) => kind !== 'found' && kind !== 'deleted')
  return { republished: outcomes.length - failed.length, failed: failed.map(({ id }) => id) }
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
