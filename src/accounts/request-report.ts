/** Single requests and minutes as people read them: times as ISO text, and costs in dollars. Pure. */
import type { StoredRequest } from './book-schema.ts'
import { MINUTE_MS, type MinuteCounts } from './minute-counts.ts'
import type { BookedUsage } from './protocol.ts'
import type { RequestRecord } from './request-record.ts'
import { usdOf } from './usage-report.ts'

export type ShownRequest = ReturnType<typeof shownRecord> | ReturnType<typeof shownRow>

/** A request of the ring. `row` has a later booking, once AI Gateway's log has spoken. */
export function shownRecord(record: RequestRecord, row: StoredRequest | null) {
  if (record.kind === 'refused') {
    const { requestId, atMs, status, code, limit } = record
    const shownLimit = limit && { ...limit, of: limit.of ?? ('key' as const) }
    return { id: requestId, state: 'refused' as const, at: isoOf(atMs), status, code, limit: shownLimit }
  }
  const { requestId, model, admittedAtMs, admittedBy, end } = record
  const { booked, certainty } = row !== null && 'booking' in row ? row.booking : record
  return {
    id: requestId,
    state: 'settled' as const,
    at: isoOf(admittedAtMs),
    model,
    admittedBy,
    ...end,
    ...shownBooking(booked),
    certainty,
  }
}

/** A request that has no record: it is under way, or its lease ended without a settlement. */
export function shownRow(row: StoredRequest) {
  const { requestId, model, admittedAtMs, state } = row
  const shared = { id: requestId, state, at: isoOf(admittedAtMs), model, admittedBy: 'account' as const }
  if (row.state === 'under_way') return { ...shared, worstCaseUsd: usdOf(row.worstMicroUsd) }
  if (row.state === 'released') return shared
  return { ...shared, ...shownBooking(row.booking.booked), certainty: row.booking.certainty }
}

export function shownMinute({ minute, costMicroUsd, ...counts }: MinuteCounts) {
  return { minute: isoOf(minute * MINUTE_MS), ...counts, costUsd: usdOf(costMicroUsd) }
}

function shownBooking({ costMicroUsd, ...tokens }: BookedUsage) {
  return { ...tokens, costUsd: usdOf(costMicroUsd) }
}

function isoOf(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
