/** Finds out whose request it is, by the secret in the Authorization header. */
import type { MiddlewareHandler } from 'hono'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { type ApiKey, viewOf } from '../keys/api-key.ts'
import { bearerToken, equalHashes, hashSecret, keyIdOf, maskSecret } from '../keys/secret.ts'
import type { UnknownKeyThrottle } from '../keys/unknown-key-throttle.ts'

/** The reason why a secret is refused. The log has it; the caller reads the same sentence for all of them. */
type Refusal = 'malformed' | 'unknown' | 'wrong' | 'disabled' | 'expired'

/**
 * @throws GatewayError `missing_key`, `invalid_key`, `keys_unavailable` where neither KV nor the account answers
 * for a key that this isolate has not seen, `key_record_unreadable`, `rate_limited` for an address that asks for too many unknown keys.
 */
export function authenticate(): MiddlewareHandler<Gateway> {
  return async function authenticate(c, next) {
    const secret = bearerToken(c.req.header('authorization'))
    if (secret === null) throw new GatewayError({ kind: 'missing_key' })
    const refuse = (refusal: Refusal): never => {
      throw new GatewayError({ kind: 'invalid_key', masked: maskSecret(secret) }, `key_${refusal}`)
    }
    const keyId = keyIdOf(secret) ?? refuse('malformed')
    c.get('log').keyId = keyId
    const { keys, unknownKeys } = isolateOf(c.env)
    const address = c.req.header('cf-connecting-ip') ?? ''
    const nowMs = Date.now()
    const key = await keys.find(keyId, {
      nowMs,
      beforeRead: () => throttleUnknownKeys(unknownKeys, address, nowMs),
      afterwards: (work) => c.executionCtx.waitUntil(work),
    })
    if (key === null) {
      unknownKeys.count(address, nowMs)
      return refuse('unknown')
    }
    const refusal = refusalOf(key, await hashSecret(secret), nowMs)
    if (refusal !== null) refuse(refusal)
    c.set('key', viewOf(key))
    c.set('limits', { ...c.get('config').defaultLimits, ...key.limits })
    await next()
  }
}

/** Runs before KV is asked for a key that this isolate does not know. */
function throttleUnknownKeys(throttle: UnknownKeyThrottle, address: string, nowMs: number): void {
  const retryAfterMs = throttle.waitMs(address, nowMs)
  if (retryAfterMs === 0) return
  const message = 'Too many unknown API keys from your address. Please try again in a minute.'
  throw new GatewayError({ kind: 'rate_limited', measure: 'requests', message, retryAfterMs }, 'unknown_keys')
}

function refusalOf(key: ApiKey, secretSha256: string, nowMs: number): Refusal | null {
  if (!matches(key, secretSha256, nowMs)) return 'wrong'
  if (key.disabled) return 'disabled'
  if (key.expiresAt !== null && Date.parse(key.expiresAt) <= nowMs) return 'expired'
  return null
}

function matches(key: ApiKey, secretSha256: string, nowMs: number): boolean {
  if (equalHashes(key.secretSha256, secretSha256)) return true
  const { previous } = key
  return (
    previous !== null &&
    Date.parse(previous.validUntil) > nowMs &&
    equalHashes(previous.secretSha256, secretSha256)
  )
}
