/** A time as text: ISO 8601 with a time zone, such as `2027-01-31T00:00:00Z`. */
import * as z from 'zod/mini'

export const isoTimestamp = z.lazy(() => z.string().check(requireIsoTime))

function requireIsoTime({ value, issues }: z.core.ParsePayload<string>): void {
  // The length is bounded at nanoseconds, since KV's metadata has 1,024 bytes for a key's whole view.
  if (/^\d{4}-\d\d-\d\dT[\d:.]{5,18}(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value)))
    return
  const message = 'Invalid time: expected ISO 8601 with a time zone, such as 2027-01-31T00:00:00Z.'
  issues.push({ code: 'custom', message, input: value })
}
