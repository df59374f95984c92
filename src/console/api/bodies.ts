/** The bodies that the pages send to the operator's routes. */
import type { Limits } from '../../limits/limits.ts'

/** `null` removes a limit. */
export type LimitChanges = { [Name in keyof Limits]: Limits[Name] | null }

export interface KeyDraft {
  name: string
  expiresAt: string | null
  limits: Limits
  group?: string
  models?: string[]
  allowedAddresses?: string[]
}

export interface KeyChange {
  name?: string
  expiresAt?: string | null
  disabled?: boolean
  limits?: LimitChanges
  /** `null` takes the key out of its group. */
  group?: string | null
  /** `null` removes the list. */
  models?: string[] | null
  allowedAddresses?: string[] | null
}

export interface GroupDraft {
  name: string
  limits: Limits
}

export interface GroupChange {
  name?: string
  limits?: LimitChanges
}
