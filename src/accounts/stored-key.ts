/** The stored key of an account, and the operator's changes to it. Pure. */
import * as z from 'zod/mini'
import { type ApiKey, apiKeyRecord, type KeyReading } from '../keys/api-key.ts'
import { type Limits, limitsSchema } from '../limits/limits.ts'

/** A deleted key keeps its record, so that its id is never used again. */
export const storedKey = z.lazy(() => z.object({ key: apiKeyRecord, deletedAt: z.nullable(z.string()) }))
export type StoredKey = z.output<typeof storedKey>

export type NewKey = Omit<ApiKey, 'version'>

/** Fields that are absent stay as they are; `null` removes a limit, a list or the group. */
export interface KeyPatch {
  name?: string | undefined
  expiresAt?: string | null | undefined
  disabled?: boolean | undefined
  limits?: { [Name in keyof Limits]?: Limits[Name] | null } | undefined
  group?: string | null | undefined
  models?: string[] | null | undefined
  allowedAddresses?: string[] | null | undefined
}

export interface Rotation {
  secretSha256: string
  /** The end of the present secret; `null` where it ends now. */
  previousValidUntil: string | null
}

export function created(key: NewKey): StoredKey {
  return { key: { ...key, version: 1 }, deletedAt: null }
}

/** The next version of a record that was found in KV. */
export function adopted(key: ApiKey): StoredKey {
  return { key: { ...key, version: key.version + 1 }, deletedAt: null }
}

export function patched(key: ApiKey, patch: KeyPatch): StoredKey {
  const { name, expiresAt, disabled, limits, group, models, allowedAddresses } = patch
  return {
    key: {
      ...key,
      version: key.version + 1,
      name: name ?? key.name,
      expiresAt: expiresAt === undefined ? key.expiresAt : expiresAt,
      disabled: disabled ?? key.disabled,
      limits: withoutNull({ ...key.limits, ...limits }),
      group: afterPatch(key.group, group),
      models: afterPatch(key.models, models),
      allowedAddresses: afterPatch(key.allowedAddresses, allowedAddresses),
    },
    deletedAt: null,
  }
}

/** A secret older than the present one ends now. */
export function rotated(key: ApiKey, { secretSha256, previousValidUntil }: Rotation): StoredKey {
  const previous =
    previousValidUntil === null ? null : { secretSha256: key.secretSha256, validUntil: previousValidUntil }
  return { key: { ...key, version: key.version + 1, secretSha256, previous }, deletedAt: null }
}

export function deleted(key: ApiKey, deletedAt: string): StoredKey {
  return { key: { ...key, version: key.version + 1 }, deletedAt }
}

/** A substitute for an unreadable record, so that the key can be deleted. */
export function unreadableKey(id: string, createdAt: string): ApiKey {
  const name = '(unreadable record)'
  const hashes = { secretSha256: '', previous: null }
  return { id, name, createdAt, expiresAt: null, disabled: true, limits: {}, ...hashes, version: 0 }
}

export function readingOf({ key, deletedAt }: StoredKey): KeyReading {
  return deletedAt === null ? { kind: 'found', key } : { kind: 'deleted', version: key.version }
}

function afterPatch<Value>(value: Value | undefined, patch: Value | null | undefined): Value | undefined {
  return patch === undefined ? value : (patch ?? undefined)
}

function withoutNull(limits: Record<string, unknown>): Limits {
  return limitsSchema.parse(Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== null)))
}
