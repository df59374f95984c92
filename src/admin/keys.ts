/** The operator's routes for keys: create, list, show, change, delete, rotate. */
import type { Context } from 'hono'
import type * as z from 'zod/mini'
import type { Gateway } from '../context.ts'
import { GatewayError, invalidParameter } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { type ApiKey, viewOf } from '../keys/api-key.ts'
import { createSecret, hashSecret, KEY_ID_FORM } from '../keys/secret.ts'
import { type Limits, limitsSchema } from '../limits/limits.ts'
import {
  type keyCreation,
  type keyRotation,
  type keyUpdate,
  LIST_LIMIT_DEFAULT,
  LIST_LIMIT_MAX,
} from './requests.ts'

type WithBody<Schema extends z.ZodMiniType> = Context<
  Gateway,
  string,
  { in: { json: unknown }; out: { json: z.output<Schema> } }
>

/** 201 with the key's view and its `secret`, which stands in this answer and nowhere else. */
export async function createKey(c: WithBody<typeof keyCreation>): Promise<Response> {
  const body = c.req.valid('json')
  const { id, secret } = createSecret()
  const key: ApiKey = {
    id,
    name: body.name,
    createdAt: new Date().toISOString(),
    expiresAt: futureTime(body.expiresAt ?? null),
    disabled: false,
    limits: body.limits ?? {},
    secretSha256: await hashSecret(secret),
    previous: null,
  }
  await isolateOf(c.env.KV).keys.write(key, Date.now())
  return c.json({ ...viewOf(key), secret }, 201)
}

/** A page of keys: `?limit` (1 to 1,000, default 100) and the `cursor` that the page before gave as `nextCursor`. */
export async function listKeys(c: Context<Gateway>): Promise<Response> {
  const limit = Number(c.req.query('limit') ?? LIST_LIMIT_DEFAULT)
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT_MAX) {
    const message = `Invalid 'limit': expected a whole number from 1 to ${LIST_LIMIT_MAX}.`
    throw new GatewayError(invalidParameter('limit', message))
  }
  const page = { limit, cursor: c.req.query('cursor') ?? null }
  const { keys, nextCursor } = await isolateOf(c.env.KV).keys.list(page)
  return c.json({ data: keys, nextCursor })
}

export async function getKey(c: Context<Gateway>): Promise<Response> {
  return c.json(viewOf(await requireKey(c)))
}

/** Changes what the body gives; a limit that is `null` is taken away. Two changes at once: the later one stands. */
export async function updateKey(c: WithBody<typeof keyUpdate>): Promise<Response> {
  const { name, expiresAt, disabled, limits } = c.req.valid('json')
  const old = await requireKey(c)
  const key: ApiKey = {
    ...old,
    name: name ?? old.name,
    expiresAt: expiresAt === undefined ? old.expiresAt : futureTime(expiresAt),
    disabled: disabled ?? old.disabled,
    limits: withoutNull({ ...old.limits, ...limits }),
  }
  await isolateOf(c.env.KV).keys.write(key, Date.now())
  return c.json(viewOf(key))
}

/** Ends a key. Other locations may accept it for up to a minute more: KV's cache, and an isolate's. */
export async function deleteKey(c: Context<Gateway>): Promise<Response> {
  const id = c.req.param('id') ?? ''
  await requireKey(c).catch((error: unknown) => {
    // Of all records, one that nobody can read must not be there for ever.
    if (!(error instanceof GatewayError && error.failure.kind === 'key_record_unreadable')) throw error
  })
  await isolateOf(c.env.KV).keys.delete(id, Date.now())
  return c.json({ id, deleted: true })
}

/** A new secret for a key; the old one goes on for `graceSeconds` (default 0). A secret older than that ends now. */
export async function rotateKey(c: WithBody<typeof keyRotation>): Promise<Response> {
  const { graceSeconds = 0 } = c.req.valid('json')
  const old = await requireKey(c)
  const { secret } = createSecret(old.id)
  const validUntil = new Date(Date.now() + graceSeconds * 1000).toISOString()
  const key: ApiKey = {
    ...old,
    secretSha256: await hashSecret(secret),
    previous: graceSeconds === 0 ? null : { secretSha256: old.secretSha256, validUntil },
  }
  await isolateOf(c.env.KV).keys.write(key, Date.now())
  return c.json({ ...viewOf(key), secret, previousValidUntil: graceSeconds === 0 ? null : validUntil })
}

/** @throws GatewayError `key_not_found`. */
export async function requireKey(c: Context<Gateway>): Promise<ApiKey> {
  const keyId = c.req.param('id') ?? ''
  const key = KEY_ID_FORM.test(keyId) ? await isolateOf(c.env.KV).keys.read(keyId) : null
  if (key === null) throw new GatewayError({ kind: 'key_not_found', keyId })
  return key
}

/** A key that is born expired is a mistake, most likely of the year or the time zone. */
function futureTime(expiresAt: string | null): string | null {
  if (expiresAt === null || Date.parse(expiresAt) > Date.now()) return expiresAt
  const message =
    "Invalid 'expiresAt': expected a time in the future. To stop a key now, set 'disabled' to true."
  throw new GatewayError(invalidParameter('expiresAt', message))
}

function withoutNull(limits: Record<string, unknown>): Limits {
  return limitsSchema.parse(Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== null)))
}
