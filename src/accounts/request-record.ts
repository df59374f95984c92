/** The records of a key's last requests, for whoever asks what became of one. They hold no text of a caller. */
import * as z from 'zod/mini'
import { integer } from '../wire/integer.ts'

const count = z.lazy(() => integer(0))
const text = z.lazy(() => z.nullable(z.string()))

/** Tokens and cost, as they are booked. */
export const bookedShape = {
  promptTokens: count,
  cachedTokens: count,
  completionTokens: count,
  reasoningTokens: count,
  costMicroUsd: count,
}

const settledRecord = z.lazy(() =>
  z.object({
    kind: z.literal('settled'),
    requestId: z.string(),
    model: z.string(),
    admittedAtMs: z.number(),
    admittedBy: z.enum(['account', 'isolate']),
    booked: z.object(bookedShape),
    certainty: z.enum(['exact', 'pending', 'estimated']),
    isAttempt: z.optional(z.literal(true)),
    end: z.object({
      status: count,
      reason: text,
      firstOutputMs: z.nullable(z.number()),
      durationMs: z.number(),
      logId: text,
    }),
  }),
)

const refusedRecord = z.lazy(() =>
  z.object({
    kind: z.literal('refused'),
    requestId: z.string(),
    atMs: z.number(),
    status: count,
    code: text,
    /** Where a limit of the key or its group refused: its name, and its figures in the unit of the limit. */
    limit: z.nullable(
      z.object({
        name: z.string(),
        limit: z.number(),
        used: z.number(),
        /** Absent: the key. */
        of: z.optional(z.literal('group')),
      }),
    ),
  }),
)

/** A request that was settled, as it was booked then. */
export type SettledRecord = z.output<typeof settledRecord>

/** A request that was not sent to the model. */
export type RefusedRecord = z.output<typeof refusedRecord>

export type RequestRecord = SettledRecord | RefusedRecord

/** A row of the ring: the records of one batch. */
export const recordList = z.lazy(() => z.array(z.discriminatedUnion('kind', [settledRecord, refusedRecord])))

/** When the request was admitted or refused, ms since 1970. */
export function timeOf(record: RequestRecord): number {
  return record.kind === 'settled' ? record.admittedAtMs : record.atMs
}
