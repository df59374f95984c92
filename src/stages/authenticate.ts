/** Finds out whose request it is, by the secret in the Authorization header. */
import type { Context, MiddlewareHandler } from 'hono'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { refusalOfSecret, type SecretRefusal } from '../keys/check-secret.ts'
import { requestIdOfKey } from '../request-id.ts'
import { bearerToken, hashSecret, keyIdOf, maskSecret } from '../keys/secret.ts'

/**
 * The reason why a secret is refused. The log has it; the caller reads the same sentence for all of them. `revoked`: the key's
 * account has refused it, whose record is newer than the copy.
 */
type Refusal = SecretRefusal | 'malformed' | 'unknown' | 'revoked'

/**
 * The address is looked at after the secret, so that only the holder learns that there is a list of addresses.
 *
 * @throws GatewayError `missing_key`, `invalid_key`, `ip_not_authorized`, `keys_unavailable` where neither KV nor the account answers
 * for a key that this isolate has not seen, `key_record_unreadable`, `rate_limited` for an address with too many unknown keys.
 */
export function authenticate(): MiddlewareHandler<Gateway> {
  return async function authenticate(c, next) {
    const secret = bearerToken(c.req.header('authorization'))
    if (secret === null) throw new GatewayError({ kind: 'missing_key' })
    const keyId = keyIdOf(secret) ?? refuseSecret(c, 'malformed')
    c.get('log').keyId = keyId
    const { keys, unknownKeys, allowedAddresses, shownKeys } = isolateOf(c.env)
    const address = c.req.header('cf-connecting-ip') ?? ''
    const nowMs = Date.now()
    const finding = keys.find(keyId, {
      nowMs,
      startLookUp: () => unknownKeys.start(address, nowMs),
      afterwards: (work) => c.executionCtx.waitUntil(work),
    })
    const key = finding instanceof Promise ? await finding : finding
    if (key === null) return refuseSecret(c, 'unknown')
    const secretSha256 = await hashSecret(secret)
    const refusal = refusalOfSecret(key, secretSha256, nowMs)
    if (refusal !== null) refuseSecret(c, refusal)
    if (!allowedAddresses.allows(key, address)) throw new GatewayError({ kind: 'ip_not_authorized', address })
    const requestId = requestIdOfKey(c.get('requestId'), key.id)
    c.set('requestId', requestId)
    c.get('responseHeaders')['x-request-id'] = requestId
    const { view, limits } = shownKeys.of(key, c.get('config').defaultLimits)
    c.set('key', view)
    c.set('secretSha256', secretSha256)
    c.set('limits', limits)
    await next()
  }
}

/** @throws GatewayError `invalid_key`. */
export function refuseSecret(c: Context<Gateway>, refusal: Refusal): never {
  const masked = maskSecret(bearerToken(c.req.header('authorization')) ?? '')
  throw new GatewayError({ kind: 'invalid_key', masked }, `key_${refusal}`)
}
