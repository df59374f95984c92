/** Lets only the operator pass, who sends ADMIN_TOKEN as the bearer token. */
import type { MiddlewareHandler } from 'hono'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { bearerToken, equalHashes, hashSecret } from '../keys/secret.ts'

/** A shorter token could be guessed. The routes are then off, as without a token. */
export const ADMIN_TOKEN_LENGTH_MIN = 32

/** @throws GatewayError `admin_off`, `invalid_admin_token`. */
export function authenticateOperator(): MiddlewareHandler<Gateway> {
  return async function authenticateOperator(c, next) {
    c.get('responseHeaders')['cache-control'] = 'no-store'
    const expected = c.env.ADMIN_TOKEN ?? ''
    if (expected.length < ADMIN_TOKEN_LENGTH_MIN) throw new GatewayError({ kind: 'admin_off' })
    const token = bearerToken(c.req.header('authorization')) ?? ''
    // Hashes have one length, so that the time of the comparison reveals nothing about the token's length.
    if (!equalHashes(await hashSecret(token), await hashSecret(expected))) {
      throw new GatewayError({ kind: 'invalid_admin_token' })
    }
    await next()
  }
}
