/** The answer of an account to the operator: a record, or the failure that says why there is none. */
import { DAYS_KEPT } from '../accounts/book-usage.ts'
import { dateOf, DAY_MS } from '../calendar.ts'
import { type Failure, GatewayError } from '../failure.ts'
import type { ApiKey, KeyReading } from '../keys/api-key.ts'

/** @throws GatewayError `notFound` where there is no such key or group, `keys_unavailable`, `key_record_unreadable`. */
export function takeRecord(reading: KeyReading, notFound: Failure): ApiKey {
  switch (reading.kind) {
    case 'found':
      return reading.key
    case 'deleted':
    case 'absent':
      throw new GatewayError(notFound)
    case 'unreadable':
      throw new GatewayError({ kind: 'key_record_unreadable' })
    case 'unavailable':
      throw new GatewayError({ kind: 'keys_unavailable' })
  }
}

/**
 * The record of a new key or group. Its id has 71 random bits, so a collision needs no handling of its own.
 *
 * @throws GatewayError `keys_unavailable`.
 */
export function takeCreated(answer: KeyReading | { kind: 'created'; key: ApiKey }): ApiKey {
  if (answer.kind !== 'created') throw new GatewayError({ kind: 'keys_unavailable' })
  return answer.key
}

/** The answer to the deletion of a key or a group at `nowMs`, ms since 1970. */
export function deletion(id: string, nowMs: number) {
  return { id, deleted: true, usageKeptUntil: dateOf(nowMs + DAYS_KEPT * DAY_MS) }
}
