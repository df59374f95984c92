/**
 * Request ids: `req_` and 32 characters. The id of an authenticated request has the key's id in it, so that the operator finds
 * the account which knows the request.
 */

const RANDOM_LENGTH = 20
const OF_KEY = new RegExp(`^req_([0-9A-Za-z]{12})[0-9a-f]{${RANDOM_LENGTH}}$`)

/**
 * The parts are joined and not concatenated, which makes one flat string. The id goes into the call of the model, and one
 * concatenated string makes V8 leave the fast path of `JSON.stringify` for the whole body: 1 ms a MB.
 */
export function createRequestId(): string {
  return ['req_', crypto.randomUUID().replaceAll('-', '')].join('')
}

/** The id with the key's id in place of some of its random characters. 80 random bits remain. */
export function requestIdOfKey(requestId: string, keyId: string): string {
  return ['req_', keyId, requestId.slice(-RANDOM_LENGTH)].join('')
}

/** The key's id inside a request's id; `null` for a text that has none. */
export function keyIdOfRequest(requestId: string): string | null {
  return OF_KEY.exec(requestId)?.[1] ?? null
}
