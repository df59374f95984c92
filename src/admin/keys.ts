/** The operator's routes for keys: create, list, show, change, delete, rotate. */
import type { Context } from 'hono'
import type { Gateway } from '../context.ts'
import { GatewayError, invalidParameter } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { type ApiKey, viewOf, type KeyReading } from '../keys/api-key.ts'
import { createSecret, hashSecret, KEY_ID_FORM } from '../keys/secret.ts'
import { quoted } from '../wire/parameter-text.ts'
import { listQuery } from './list-query.ts'
import type { keyCreation, keyRotation, keyUpdate } from './requests.ts'
import { deletion, takeCreated, takeRecord } from './take-record.ts'
import type { WithBody } from './with-body.ts'

/** 201 with the key's view and its `secret`. Only this answer has the secret. */
export async function createKey(c: WithBody<typeof keyCreation>): Promise<Response> {
  const body = c.req.valid('json')
  requireModels(c, body.models)
  await requireGroup(c, body.group)
  const { id, secret } = createSecret()
  const created = await isolateOf(c.env).accounts.create({
    id,
    name: body.name,
    createdAt: new Date().toISOString(),
    expiresAt: futureTime(body.expiresAt ?? null),
    disabled: false,
    limits: body.limits ?? {},
    group: body.group ?? undefined,
    models: body.models ?? undefined,
    allowedAddresses: body.allowedAddresses ?? undefined,
    secretSha256: await hashSecret(secret),
    previous: null,
  })
  const key = takeCreated(created)
  return c.json({ ...viewOf(take(c, id, { kind: 'found', key })), secret }, 201)
}

/**
 * A page of keys. The query has `limit` (1 to 1,000, default 100), the `cursor` that the page before gave as `nextCursor`,
 * `name` (a prefix), `id` (one key alone), `group` (the id of a group), `state` (default all but the deleted) and `sort`
 * (`created`, `name` or `cost`; default `created`). Each key has its cost of the UTC day and month so far, `todayCostUsd` and
 * `monthCostUsd`.
 */
export async function listKeys(c: Context<Gateway>): Promise<Response> {
  const page = await isolateOf(c.env).accounts.list(listQuery(c.req.query()))
  if (page.kind === 'unavailable') throw new GatewayError({ kind: 'keys_unavailable' })
  return c.json({ data: page.keys, nextCursor: page.nextCursor })
}

export async function getKey(c: Context<Gateway>): Promise<Response> {
  return c.json(viewOf(await requireKey(c)))
}

/** Sets the fields of the body; `null` removes a limit, a list or the group. Fields of parallel changes all survive. */
export async function updateKey(c: WithBody<typeof keyUpdate>): Promise<Response> {
  const { expiresAt, ...patch } = c.req.valid('json')
  requireModels(c, patch.models)
  const id = requireId(c)
  await requireGroup(c, patch.group)
  const changed = expiresAt === undefined ? patch : { ...patch, expiresAt: futureTime(expiresAt) }
  return c.json(viewOf(take(c, id, await isolateOf(c.env).accounts.update(id, changed))))
}

/**
 * Deletes a key. Other locations may accept it for one minute more, for the caches of KV and of isolates. Its usage stays in
 * the reports for `DAYS_KEPT` days, and in the account for good.
 */
export async function deleteKey(c: Context<Gateway>): Promise<Response> {
  const id = requireId(c)
  const { accounts, keys } = isolateOf(c.env)
  const nowMs = Date.now()
  const reading = await accounts.delete(id, new Date(nowMs).toISOString())
  if (reading.kind !== 'deleted') take(c, id, reading)
  else keys.remember(id, reading, nowMs)
  return c.json(deletion(id, nowMs))
}

/** Makes a new secret. The old one stays good for `graceSeconds` (default 0), and the one before it ends now. */
export async function rotateKey(c: WithBody<typeof keyRotation>): Promise<Response> {
  const { graceSeconds = 0 } = c.req.valid('json')
  const id = requireId(c)
  const { secret } = createSecret(id)
  const previousValidUntil =
    graceSeconds === 0 ? null : new Date(Date.now() + graceSeconds * 1000).toISOString()
  const rotation = { secretSha256: await hashSecret(secret), previousValidUntil }
  const key = take(c, id, await isolateOf(c.env).accounts.rotate(id, rotation))
  return c.json({ ...viewOf(key), secret, previousValidUntil })
}

/** The key as its account has it now. @throws GatewayError `key_not_found`, `keys_unavailable`, `key_record_unreadable`. */
export async function requireKey(c: Context<Gateway>): Promise<ApiKey> {
  const id = requireId(c)
  return take(c, id, await isolateOf(c.env).accounts.read(id))
}

/** No object is created for a text that is no id. @throws GatewayError `key_not_found`. */
export function requireId(c: Context<Gateway>): string {
  const keyId = c.req.param('id') ?? ''
  if (!KEY_ID_FORM.test(keyId)) throw new GatewayError({ kind: 'key_not_found', keyId })
  return keyId
}

/** The key in an account's answer. The isolate remembers the answer, so that a change holds here at once. */
function take(c: Context<Gateway>, keyId: string, reading: KeyReading): ApiKey {
  isolateOf(c.env).keys.remember(keyId, reading, Date.now())
  return takeRecord(reading, { kind: 'key_not_found', keyId })
}

/** A key of a group that does not exist would be refused. Of an id that has no group, no object stores anything. */
async function requireGroup(c: Context<Gateway>, group: string | null | undefined): Promise<void> {
  if (group == null) return
  const message = `Invalid 'group': expected the id of a group in GET /admin/groups, or null, but got ${quoted(group)} instead.`
  takeRecord(await isolateOf(c.env).accounts.read(group), invalidParameter('group', message))
}

/** A name that is not in the table is most likely mistyped. One that leaves the table later stays in the record. */
function requireModels(c: Context<Gateway>, models: readonly string[] | null | undefined): void {
  const { models: table } = c.get('config')
  const at = models?.findIndex((id) => !table.has(id)) ?? -1
  if (at < 0) return
  const param = `models[${at}]`
  const message = `Invalid '${param}': expected a name of GET /admin/models, but got ${quoted(models?.[at])} instead.`
  throw new GatewayError(invalidParameter(param, message))
}

/** A time in the past is most likely a mistake of the year or the time zone. */
function futureTime(expiresAt: string | null): string | null {
  if (expiresAt === null || Date.parse(expiresAt) > Date.now()) return expiresAt
  const message =
    "Invalid 'expiresAt': expected a time in the future. To stop a key now, set 'disabled' to true."
  throw new GatewayError(invalidParameter('expiresAt', message))
}
