/** Which Durable Object is responsible for what, and where in the world it lives. */
import type { Env } from '../config.ts'

/** Where Cloudflare may be asked to create an object: https://developers.cloudflare.com/durable-objects/reference/data-location/ */
export const LOCATION_HINTS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const

/** The number is the shard's, so that more of them can be added. */
export const DIRECTORY_NAME = 'directory-1'

/** The account of a key. The hint counts at an object's first use only. */
export function accountOf(env: Env, keyId: string) {
  return env.ACCOUNTS.getByName(keyId, hintOf(env))
}

export function directoryOf(env: Env) {
  return env.DIRECTORY.getByName(DIRECTORY_NAME, hintOf(env))
}

/** Without a hint the object is created near its first caller. `parseConfig` refuses a bad hint. */
function hintOf(env: Env): DurableObjectNamespaceGetDurableObjectOptions {
  const locationHint = LOCATION_HINTS.find((hint) => hint === env.ACCOUNTS_LOCATION_HINT)
  return locationHint === undefined ? {} : { locationHint }
}
