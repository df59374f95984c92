/** The answer of an account to the operator: a record, or the failure that says why there is none. */
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
