/** The copy of a key's record in KV, `key:<id>`. The key's account writes it, and every request reads it. */
import * as z from 'zod/mini'
import { causeOf, log } from '../log.ts'
import { orTimeoutError } from '../timeout.ts'
import { integer } from '../wire/integer.ts'
import { type ApiKey, apiKeyRecord, type KeyReading } from './api-key.ts'

/** The lifetime of a tombstone in KV. It is longer than any cache holds an older copy. */
export const TOMBSTONE_TTL_SECONDS = 30 * 86_400
/** KV's own cache at a location; 30 s is the least that KV takes. */
export const COPY_CACHE_TTL_SECONDS = 30

const tombstone = z.lazy(() =>
  z.object({ version: integer(0, Number.MAX_SAFE_INTEGER), deletedAt: z.string() }),
)

/** Never throws: KV that fails, or takes longer than `timeoutMs`, is `unavailable`, and the log has a line with `what`. */
export async function readCopy(
  kv: KVNamespace,
  keyId: string,
  timeoutMs: number,
  what: string,
): Promise<KeyReading> {
  try {
    const reading = kv.get(nameOf(keyId), { cacheTtl: COPY_CACHE_TTL_SECONDS })
    return parseCopy(await orTimeoutError(reading, timeoutMs))
  } catch (error) {
    log({ event: 'trouble', what, keyId, cause: causeOf(error) })
    return { kind: 'unavailable' }
  }
}

/** Ids of keys that have a copy, tombstones included. */
export interface CopyPage {
  ids: string[]
  /** KV's own cursor; `null` for the last page. A page can be empty and not the last. */
  nextCursor: string | null
}

/** @throws whatever KV throws. */
export async function listCopies(kv: KVNamespace, cursor: string | null, limit: number): Promise<CopyPage> {
  const list = await kv.list({ prefix: nameOf(''), cursor, limit })
  const ids = list.keys.map(({ name }) => name.slice(nameOf('').length))
  return { ids, nextCursor: list.list_complete ? null : list.cursor }
}

/** A record, or a tombstone where the key was deleted. @throws whatever KV throws. */
export async function writeCopy(kv: KVNamespace, key: ApiKey, deletedAt: string | null): Promise<void> {
  if (deletedAt === null) return kv.put(nameOf(key.id), JSON.stringify(key))
  const { id, version } = key
  const options = { expirationTtl: TOMBSTONE_TTL_SECONDS }
  return kv.put(nameOf(id), JSON.stringify({ id, version, deletedAt }), options)
}

function parseCopy(text: string | null): KeyReading {
  if (text === null) return { kind: 'absent' }
  try {
    const value: unknown = JSON.parse(text)
    const deleted = tombstone.safeParse(value)
    if (deleted.success) return { kind: 'deleted', version: deleted.data.version }
    return { kind: 'found', key: apiKeyRecord.parse(value) }
  } catch {
    return { kind: 'unreadable' }
  }
}

function nameOf(keyId: string): string {
  return `key:${keyId}`
}
