/** Ids of groups. A group is an account without a secret, so no key can have such an id, and no bearer string leads to it. */
import { KEY_ID_LENGTH, randomBase62 } from './secret.ts'

const PREFIX = 'grp_'

export const GROUP_ID_FORM = new RegExp(`^${PREFIX}[0-9A-Za-z]{${KEY_ID_LENGTH}}$`)

/** It has 71 random bits, as a key's id has. */
export function createGroupId(): string {
  return PREFIX + randomBase62(KEY_ID_LENGTH)
}

/** Whether the owner of an account is a group. Ids of keys have no underscore. */
export function isGroupId(ownerId: string): boolean {
  return ownerId.startsWith(PREFIX)
}
