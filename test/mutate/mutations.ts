/** All mutations. */
import type { Mutation } from './mutation.ts'
import { MEMORY } from './mutations/bodies.ts'
import { SILENCE, METERS } from './mutations/streams.ts'
import { ACCOUNT_OF_THE_VENDOR, THROTTLES } from './mutations/callers.ts'
import { GROUPS, LOTS, METRICS, OPERATOR } from './mutations/operator.ts'
import { GROUP_ADMISSION, MONEY, KEYS, TAGS } from './mutations/accounts.ts'

export const MUTATIONS: readonly Mutation[] = [
  ...MEMORY,
  ...SILENCE,
  ...METERS,
  ...ACCOUNT_OF_THE_VENDOR,
  ...THROTTLES,
  ...LOTS,
  ...OPERATOR,
  ...METRICS,
  ...GROUPS,
  ...MONEY,
  ...KEYS,
  ...TAGS,
  ...GROUP_ADMISSION,
]
