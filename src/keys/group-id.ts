/** Ids of groups. A group is an account without a secret, so no key can have such an id, and no bearer string leads to it. */
import { randomBase62 } from './base62.ts'

const PREFIX = 'grp_'
/** As of a key's id: 71 random bits. */
const RANDOM_LENGTH = 12

export const GROUP_ID_FORM = new RegExp(`^${PREFIX}[0-9A-Za-z]{${RANDOM_LENGTH}}$`)

export function createGroupId(): string {
  return PREFIX + randomBase62(RANDOM_LENGTH)
}

/** Whether the owner of an account is a group. Ids of keys have no underscore. */
export function isGroupId(ownerId: string): boolean {
  return ownerId.startsWith(PREFIX)
}
