/** A group: limits and a budget that several keys share. Its account has a record as a key has, without a secret. */
import type { ApiKey, ApiKeyView } from './api-key.ts'

/** What the operator sees of a group. */
export type GroupView = Pick<ApiKeyView, 'id' | 'name' | 'createdAt' | 'limits'>

/** The first record of a group. No hash is empty, so no secret leads to it. */
export function groupRecord(group: GroupView): Omit<ApiKey, 'version'> {
  return { ...group, expiresAt: null, disabled: false, secretSha256: '', previous: null }
}

export function groupViewOf({ id, name, createdAt, limits }: ApiKeyView): GroupView {
  return { id, name, createdAt, limits }
}
