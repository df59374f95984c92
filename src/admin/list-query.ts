/** `GET /admin/keys?limit&cursor&name&state&sort&id&group` and `GET /admin/groups?limit&cursor&name&sort`, parsed. */
import { type KeyListQuery, parseCursor, SORTS, STATES } from '../accounts/key-list.ts'
import { GROUP_ID_FORM } from '../keys/group-id.ts'
import { invalidQuery } from './invalid-query.ts'
import { choiceParameter, limitParameter, type Query } from './query-parameters.ts'
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, NAME_LENGTH_MAX } from './requests.ts'

/** @throws GatewayError `invalid_parameter` with the name of the parameter that is wrong. */
export function listQuery(query: Query): KeyListQuery {
  const state = query['state'] === undefined ? null : choiceParameter('state', query['state'], STATES)
  const group = query['group'] ?? null
  // A group that has been mistyped must not look like one without keys.
  if (group !== null && !GROUP_ID_FORM.test(group)) throw invalidQuery('group', 'the id of a group')
  return { ...groupListQuery(query), state, id: query['id'] ?? null, group }
}

/** @throws GatewayError `invalid_parameter` with the name of the parameter that is wrong. */
export function groupListQuery(query: Query): KeyListQuery {
  const limit = limitParameter(query, LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX)
  const namePrefix = query['name'] ?? ''
  if (namePrefix.length > NAME_LENGTH_MAX) throw invalidQuery('name', `at most ${NAME_LENGTH_MAX} characters`)
  const sort = choiceParameter('sort', query['sort'] ?? 'created', SORTS)
  const cursor = query['cursor']
  const after = cursor === undefined ? null : parseCursor(cursor, sort)
  if (cursor !== undefined && after === null) {
    throw invalidQuery('cursor', "the 'nextCursor' of the page before, with the same 'sort'")
  }
  return { limit, after, namePrefix, state: null, sort, id: null, group: null }
}
