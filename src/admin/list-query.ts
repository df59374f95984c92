/** `GET /admin/keys?limit&cursor&name&state&sort`, parsed. */
import { type KeyListQuery, parseCursor, SORTS, STATES } from '../accounts/key-list.ts'
import { invalidQuery } from './invalid-query.ts'
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, NAME_LENGTH_MAX } from './requests.ts'

/** @throws GatewayError `invalid_parameter` with the name of the parameter that is wrong. */
export function listQuery(query: Partial<Record<string, string>>): KeyListQuery {
  const limit = Number(query['limit'] ?? LIST_LIMIT_DEFAULT)
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT_MAX) {
    throw invalidQuery('limit', `a whole number from 1 to ${LIST_LIMIT_MAX}`)
  }
  const namePrefix = query['name'] ?? ''
  if (namePrefix.length > NAME_LENGTH_MAX) throw invalidQuery('name', `at most ${NAME_LENGTH_MAX} characters`)
  const state = query['state'] === undefined ? null : choice('state', query['state'], STATES)
  const sort = choice('sort', query['sort'] ?? 'created', SORTS)
  const cursor = query['cursor']
  const after = cursor === undefined ? null : parseCursor(cursor, sort)
  if (cursor !== undefined && after === null) {
    throw invalidQuery('cursor', "the 'nextCursor' of the page before, with the same 'sort'")
  }
  return { limit, after, namePrefix, state, sort }
}

function choice<Choice extends string>(name: string, text: string, choices: readonly Choice[]): Choice {
  const found = choices.find((known) => known === text)
  if (found === undefined) throw invalidQuery(name, choices.map((known) => `'${known}'`).join(' or '))
  return found
}
