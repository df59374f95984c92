/** All mutations. */
import type { Mutation } from './mutation.ts'
import { MEMORY, PARAMETERS } from './mutations/bodies.ts'
import { CONFIGURATION } from './mutations/configuration.ts'
import { SILENCE, METERS } from './mutations/streams.ts'
import { ACCOUNT_OF_THE_VENDOR, THROTTLES } from './mutations/callers.ts'
import { GROUPS, LOTS, METRICS, PRIVACY } from './mutations/operator.ts'
import { GROUP_ADMISSION, MONEY, KEYS, TAGS } from './mutations/accounts.ts'

export const MUTATIONS: readonly Mutation[] = [
  ...MEMORY,
  ...PARAMETERS,
  ...SILENCE,
  ...METERS,
  ...ACCOUNT_OF_THE_VENDOR,
  ...THROTTLES,
  ...LOTS,
  ...CONFIGURATION,
  ...PRIVACY,
  ...METRICS,
  ...GROUPS,
  ...MONEY,
  ...KEYS,
  ...TAGS,
  ...GROUP_ADMISSION,
]
