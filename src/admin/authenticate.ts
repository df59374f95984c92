/** Lets only the operator pass, who sends ADMIN_TOKEN as the bearer token. */
import type { Context, MiddlewareHandler } from 'hono'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { bearerToken, equalHashes, hashSecret } from '../keys/secret.ts'
import { warnOnce } from '../log.ts'

/** A shorter token could be guessed. The routes are then off, as without a token. */
export const ADMIN_TOKEN_LENGTH_MIN = 32

const ADMIN_OFF_WARNING = `the admin routes are off, since ADMIN_TOKEN has fewer than ${ADMIN_TOKEN_LENGTH_MIN} characters or is not set. Run: npx wrangler secret put ADMIN_TOKEN`

/** @throws GatewayError `admin_off`, `invalid_admin_token`, `rate_limited` for an address with too many wrong tokens. */
export function authenticateOperator(): MiddlewareHandler<Gateway> {
  return async function authenticateOperator(c, next) {
    c.get('responseHeaders')['cache-control'] = 'no-store'
    const expected = c.env.ADMIN_TOKEN ?? ''
    if (expected.length < ADMIN_TOKEN_LENGTH_MIN) {
      warnOnce(isolateOf(c.env).warned, 'admin_off', 'admin_off', () => ADMIN_OFF_WARNING)
      throw new GatewayError({ kind: 'admin_off' })
    }
    const token = bearerToken(c.req.header('authorization'))
    if (token === null) throw new GatewayError({ kind: 'invalid_admin_token' })
    // Hashes have one length, so that the time of the comparison reveals nothing about the token's length.
    if (!equalHashes(await hashSecret(token), await hashSecret(expected))) throw wrongToken(c)
    await next()
  }
}

/** The failure of a wrong token, which it counts. */
function wrongToken(c: Context<Gateway>): GatewayError {
  const address = c.req.header('cf-connecting-ip') ?? ''
  const { waitMs: retryAfterMs } = isolateOf(c.env).wrongAdminTokens.start(address, Date.now())
  if (retryAfterMs === 0) return new GatewayError({ kind: 'invalid_admin_token' })
  const message = 'Too many wrong admin tokens from your address. Please try again in a minute.'
  return new GatewayError(
    { kind: 'rate_limited', measure: 'requests', message, retryAfterMs },
    'wrong_admin_tokens',
  )
}
