/** The bodies that the operator sends. They are strict: a mistyped limit must not pass as no limit. */
import * as z from 'zod/mini'
import { parseRange } from '../keys/address-range.ts'
import { ALLOWED_ADDRESSES_MAX } from '../keys/allowed-addresses.ts'
import { GROUP_ID_FORM } from '../keys/group-id.ts'
import { limitShape, limitsSchema } from '../limits/limits.ts'
import { isoTimestamp } from '../wire/iso-timestamp.ts'
import { integer } from '../wire/integer.ts'

export const NAME_LENGTH_MAX = 100
/** A rotated secret stays good for 30 days at most. */
export const GRACE_SECONDS_MAX = 30 * 86_400

/** Models that a key can name. The list of keys shows all of them. */
export const KEY_MODELS_MAX = 50
/** As long as a name in `MODELS` may be. */
const MODEL_NAME_LENGTH_MAX = 100

const name = z.lazy(() => z.string().check(z.minLength(1), z.maxLength(NAME_LENGTH_MAX)))

function requireAddressRange({ value, issues }: z.core.ParsePayload<string>): void {
  if (parseRange(value) !== null) return
  const message =
    'Invalid address: expected an IPv4 or IPv6 address or CIDR, such as 203.0.113.7 or 2001:db8::/32.'
  issues.push({ code: 'custom', message, input: value })
}

/** Made with the lazy schemas that have them. */
const memberships = () => ({
  group: z.nullish(z.string().check(z.regex(GROUP_ID_FORM, 'the id of a group, or null'))),
  models: z.nullish(
    z
      .array(z.string().check(z.maxLength(MODEL_NAME_LENGTH_MAX)))
      .check(z.minLength(1), z.maxLength(KEY_MODELS_MAX)),
  ),
  allowedAddresses: z.nullish(
    z.array(z.string().check(requireAddressRange)).check(z.minLength(1), z.maxLength(ALLOWED_ADDRESSES_MAX)),
  ),
})

/** Each limit, or `null` to remove it. It is made with the lazy schemas that have it. */
function limitChanges() {
  const shape = limitShape()
  return {
    requestsPerMinute: z.nullish(shape.requestsPerMinute),
    requestsPerDay: z.nullish(shape.requestsPerDay),
    tokensPerMinute: z.nullish(shape.tokensPerMinute),
    concurrentRequests: z.nullish(shape.concurrentRequests),
    completionTokensPerRequest: z.nullish(shape.completionTokensPerRequest),
    mode: z.nullish(shape.mode),
    budget: z.nullish(shape.budget),
  }
}

/** The limits that a group can have: an account keeps each of them, and what one request may ask for is its key's. */
function ofGroup<Limits extends Record<keyof ReturnType<typeof limitShape>, unknown>>(limits: Limits) {
  const { mode: _mode, completionTokensPerRequest: _cap, ...shared } = limits
  return shared
}

/** `POST /admin/keys` */
export const keyCreation = z.lazy(() =>
  z.strictObject({
    name,
    expiresAt: z.optional(z.nullable(isoTimestamp)),
    limits: z.optional(limitsSchema),
    ...memberships(),
  }),
)

/** `PATCH /admin/keys/{id}`: the given fields are set, and `null` removes a limit, a list or the group. */
export const keyUpdate = z.lazy(() =>
  z.strictObject({
    name: z.optional(name),
    expiresAt: z.optional(z.nullable(isoTimestamp)),
    disabled: z.optional(z.boolean()),
    limits: z.optional(z.strictObject(limitChanges())),
    ...memberships(),
  }),
)

/** `POST /admin/keys/{id}/rotate`: how long the old secret stays good; default 0, so that it ends at once. */
export const keyRotation = z.lazy(() =>
  z.strictObject({
    graceSeconds: z.optional(integer(0, GRACE_SECONDS_MAX)),
  }),
)

/** `POST /admin/groups` */
export const groupCreation = z.lazy(() =>
  z.strictObject({ name, limits: z.optional(z.strictObject(ofGroup(limitShape()))) }),
)

/** `PATCH /admin/groups/{id}`: the given fields are set, and `null` removes a limit. */
export const groupUpdate = z.lazy(() =>
  z.strictObject({ name: z.optional(name), limits: z.optional(z.strictObject(ofGroup(limitChanges()))) }),
)

/** `GET /admin/keys?limit`, and that of groups. A page of 1,000 keys is some 300 KB, and 11 MB where each has the longest lists. */
export const LIST_LIMIT_MAX = 1000
export const LIST_LIMIT_DEFAULT = 100
/** `?from&to` of the usage routes: as long as the ledger remembers. */
export const RANGE_DAYS_MAX = 400
/** `GET /admin/usage?from&to`, today included. */
export const RANGE_DAYS_DEFAULT = 7
/** `GET /admin/usage?limit`. By default the longest range by day is one page. */
export const USAGE_LIMIT_MAX = 1000
export const USAGE_LIMIT_DEFAULT = RANGE_DAYS_MAX
/** `POST /admin/directory/rebuild?limit`. Each key and its group are calls, and the free plan allows a request 50 of them. */
export const REBUILD_LIMIT_MAX = 24
export const REBUILD_LIMIT_DEFAULT = 20
