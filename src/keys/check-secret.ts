/** Whether a secret opens a key now. */
import type { ApiKey } from './api-key.ts'
import { equalHashes } from './secret.ts'

/** The reason why a secret is refused. */
export type SecretRefusal = 'wrong' | 'disabled' | 'expired'

/** Why the key refuses the secret with this hash, or `null` where it accepts it. */
export function refusalOfSecret(key: ApiKey, secretSha256: string, nowMs: number): SecretRefusal | null {
  if (!matches(key, secretSha256, nowMs)) return 'wrong'
  if (key.disabled) return 'disabled'
  if (key.expiresAt !== null && Date.parse(key.expiresAt) <= nowMs) return 'expired'
  return null
}

function matches({ secretSha256: current, previous }: ApiKey, secretSha256: string, nowMs: number): boolean {
  if (equalHashes(current, secretSha256)) return true
  return (
    previous !== null &&
    Date.parse(previous.validUntil) > nowMs &&
    equalHashes(previous.secretSha256, secretSha256)
  )
}
