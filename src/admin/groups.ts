/** The operator's routes for groups: create, list, show, change, delete. */
import type { Context } from 'hono'
import type { Gateway } from '../context.ts'
import { type Failure, GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { groupRecord, groupViewOf } from '../keys/group.ts'
import { createGroupId, GROUP_ID_FORM } from '../keys/group-id.ts'
import { groupListQuery } from './list-query.ts'
import type { groupCreation, groupUpdate } from './requests.ts'
import { deletion, takeCreated, takeRecord } from './take-record.ts'
import type { WithBody } from './with-body.ts'

/** 201 with the group. */
export async function createGroup(c: WithBody<typeof groupCreation>): Promise<Response> {
  const { name, limits = {} } = c.req.valid('json')
  const group = { id: createGroupId(), name, createdAt: new Date().toISOString(), limits }
  const created = takeCreated(await isolateOf(c.env).accounts.create(groupRecord(group)))
  return c.json(groupViewOf(created), 201)
}

/**
 * A page of groups. The query has `limit` (1 to 1,000, default 100), the `cursor` that the page before gave as `nextCursor`,
 * `name` (a prefix) and `sort` (`created`, `name` or `cost`; default `created`). Each group has its cost of the UTC day and month
 * so far, `todayCostUsd` and `monthCostUsd`.
 */
export async function listGroups(c: Context<Gateway>): Promise<Response> {
  const page = await isolateOf(c.env).accounts.listGroups(groupListQuery(c.req.query()))
  if (page.kind === 'unavailable') throw new GatewayError({ kind: 'keys_unavailable' })
  const data = page.keys.map(({ todayCostUsd, monthCostUsd, ...view }) => ({
    ...groupViewOf(view),
    todayCostUsd,
    monthCostUsd,
  }))
  return c.json({ data, nextCursor: page.nextCursor })
}

export async function getGroup(c: Context<Gateway>): Promise<Response> {
  const id = requireGroupId(c)
  return c.json(groupViewOf(takeRecord(await isolateOf(c.env).accounts.read(id), notFound(id))))
}

/** Sets the fields of the body; `null` removes a limit. Fields of parallel changes all survive. */
export async function updateGroup(c: WithBody<typeof groupUpdate>): Promise<Response> {
  const id = requireGroupId(c)
  const reading = await isolateOf(c.env).accounts.update(id, c.req.valid('json'))
  return c.json(groupViewOf(takeRecord(reading, notFound(id))))
}

/**
 * Deletes a group that no key has, as far as the directory knows. A key that gets the group meanwhile is refused from then on,
 * until the operator changes its group. The group's usage stays in the reports for `DAYS_KEPT` days, and in its account for good.
 */
export async function deleteGroup(c: Context<Gateway>): Promise<Response> {
  const id = requireGroupId(c)
  const { accounts } = isolateOf(c.env)
  const [known, count] = await Promise.all([accounts.read(id), accounts.countKeys(id)])
  takeRecord(known, notFound(id))
  if (count.kind === 'unavailable') throw new GatewayError({ kind: 'keys_unavailable' })
  if (count.keys > 0) throw new GatewayError({ kind: 'group_not_empty', groupId: id, keys: count.keys })
  const nowMs = Date.now()
  const reading = await accounts.delete(id, new Date(nowMs).toISOString())
  if (reading.kind !== 'deleted') takeRecord(reading, notFound(id))
  return c.json(deletion(id, nowMs))
}

/** No object is created for a text that is no id of a group. @throws GatewayError `group_not_found`. */
export function requireGroupId(c: Context<Gateway>): string {
  const id = c.req.param('id') ?? ''
  if (!GROUP_ID_FORM.test(id)) throw new GatewayError(notFound(id))
  return id
}

function notFound(groupId: string): Failure {
  return { kind: 'group_not_found', groupId }
}
