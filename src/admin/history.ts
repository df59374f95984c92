/** The operator's routes for single requests, and for what a key asked for in each minute. */
import type { Context } from 'hono'
import { shownMinute, shownRecord, shownRow } from '../accounts/request-report.ts'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import type { KeyReading } from '../keys/api-key.ts'
import { keyIdOfRequest } from '../request-id.ts'
import { requireId } from './keys.ts'

/** `GET /admin/keys/{id}/requests`: the last 200 requests of a key, refused ones too, the newest first. */
export async function listRequests(c: Context<Gateway>): Promise<Response> {
  const id = requireId(c)
  const answer = await isolateOf(c.env).accounts.requests(id)
  if (answer.kind !== 'requests') throw failureOf(answer, id)
  return c.json({ id, data: answer.requests.map(({ record, row }) => shownRecord(record, row)) })
}

/**
 * `GET /admin/requests/{id}`: what became of a request. Its key is named in the id.
 *
 * @throws GatewayError `request_not_found` for a request that no key has, and for one before the key's last 200.
 */
export async function getRequest(c: Context<Gateway>): Promise<Response> {
  const requestId = c.req.param('id') ?? ''
  const notFound = new GatewayError({ kind: 'request_not_found', requestId })
  const keyId = keyIdOfRequest(requestId)
  if (keyId === null) throw notFound
  const answer = await isolateOf(c.env).accounts.request(keyId, requestId)
  if (answer.kind !== 'request') throw answer.kind === 'absent' ? notFound : failureOf(answer, keyId)
  const { record, row } = answer
  if (record !== null) return c.json({ keyId, ...shownRecord(record, row) })
  if (row !== null) return c.json({ keyId, ...shownRow(row) })
  throw notFound
}

/** `GET /admin/keys/{id}/minutes`: the minutes of the last 8 days in which the key was used, in the order of time. */
export async function listMinutes(c: Context<Gateway>): Promise<Response> {
  const id = requireId(c)
  const answer = await isolateOf(c.env).accounts.minutes(id)
  if (answer.kind !== 'minutes') throw failureOf(answer, id)
  return c.json({ id, data: answer.minutes.map(shownMinute) })
}

function failureOf(reading: KeyReading, keyId: string): GatewayError {
  return new GatewayError(
    reading.kind === 'absent' ? { kind: 'key_not_found', keyId } : { kind: 'usage_unavailable' },
  )
}
