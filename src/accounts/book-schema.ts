/** The tables of an account's book, and the parts of their rows. */
import * as z from 'zod/mini'
import { integer } from '../wire/integer.ts'
import type { UsageRow } from './usage-protocol.ts'
import { bookedShape } from './request-record.ts'
import { isRequestTimes, type RequestTimes } from './request-times.ts'

/** The part of a Durable Object's `SqlStorage` that the book uses. */
export interface BookSql {
  exec(statement: string, ...bindings: (string | number | null)[]): { toArray(): Record<string, unknown>[] }
}

/** For `migrate`. No table has a second index: each index costs one more row for each row written. */
export const BOOK_MIGRATIONS: readonly string[] = [
  `CREATE TABLE requests (id TEXT PRIMARY KEY, state TEXT NOT NULL, window_at_ms INTEGER,
     settled_at_ms INTEGER, stored TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE usage (date TEXT NOT NULL, model TEXT NOT NULL, revision INTEGER NOT NULL, requests INTEGER NOT NULL,
     cost_micro_usd INTEGER NOT NULL, stored TEXT NOT NULL, PRIMARY KEY (date, model)) WITHOUT ROWID;
   CREATE TABLE writers (id TEXT PRIMARY KEY, number INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;`,
  `CREATE TABLE recent (slot INTEGER PRIMARY KEY, number INTEGER NOT NULL, open_minutes TEXT NOT NULL,
     stored TEXT NOT NULL);
   CREATE TABLE minutes (slot INTEGER PRIMARY KEY, minute INTEGER NOT NULL, requests INTEGER NOT NULL,
     refused INTEGER NOT NULL, tokens INTEGER NOT NULL, cost_micro_usd INTEGER NOT NULL);`,
  // A primary key cannot be changed. With a default, an earlier version can write rows if it has to run again.
  `CREATE TABLE tagged_usage (date TEXT NOT NULL, model TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '',
     revision INTEGER NOT NULL, requests INTEGER NOT NULL, cost_micro_usd INTEGER NOT NULL, stored TEXT NOT NULL,
     PRIMARY KEY (date, model, tags)) WITHOUT ROWID;
   INSERT INTO tagged_usage (date, model, revision, requests, cost_micro_usd, stored)
     SELECT date, model, revision, requests, cost_micro_usd, stored FROM usage;
   DROP TABLE usage;
   ALTER TABLE tagged_usage RENAME TO usage;`,
]

const count = z.lazy(() => integer(0))
const bookedUsage = z.lazy(() => z.object(bookedShape))

const booking = z.lazy(() =>
  z.object({
    booked: bookedUsage,
    certainty: z.enum(['exact', 'pending', 'estimated']),
    failed: z.boolean(),
    isAttempt: z.optional(z.literal(true)),
  }),
)

/** AI Gateway's log has no tokens written to the cache, so their rate is not needed. */
const log = z.lazy(() => {
  const rates = {
    inputMicroUsd: z.number(),
    cachedInputMicroUsd: z.number(),
    outputMicroUsd: z.number(),
  }
  return z.object({
    gatewayId: z.string(),
    logId: z.string(),
    prices: z.object({
      ...rates,
      longContext: z.optional(z.object({ aboveTokens: z.number(), ...rates })),
    }),
  })
})

const shared = () => ({
  requestId: z.string(),
  model: z.string(),
  /** Once it is booked: the tags of its row. */
  tags: z.optional(z.string()),
  admittedAtMs: z.number(),
  /** 0 where the account did not admit it. */
  worstMicroUsd: count,
})

/** How a request counts in the minute's windows; `null` where the account did not admit it. */
const counted = z.lazy(() =>
  z.nullable(
    z.object({
      atMs: z.number(),
      tokens: count,
      settledAtMs: z.nullable(z.number()),
      settledTokens: count,
      /** It was never sent, so its request counts no more. */
      isReleased: z.optional(z.literal(true)),
    }),
  ),
)

const underWay = z.lazy(() =>
  z.object({
    ...shared(),
    state: z.literal('under_way'),
    counted,
    leaseUntilMs: z.number(),
    expected: bookedUsage,
  }),
)

const pending = z.lazy(() =>
  z.object({
    ...shared(),
    state: z.literal('pending'),
    counted,
    settledAtMs: z.number(),
    booking,
    log,
    tries: count,
    dueAtMs: z.number(),
  }),
)

/** `expired`: booked when its lease ended, so that a late settlement replaces it. `settled`: for good. */
const ended = z.lazy(() =>
  z.object({
    ...shared(),
    state: z.enum(['expired', 'settled']),
    counted,
    settledAtMs: z.number(),
    booking,
  }),
)

/** Never sent to the model. The row keeps its admission from coming after its end. */
const released = z.lazy(() =>
  z.object({ ...shared(), state: z.literal('released'), counted, settledAtMs: z.number() }),
)

const storedRequest = z.lazy(() => z.discriminatedUnion('state', [underWay, pending, ended, released]))

export type Counted = z.output<typeof counted>
export type UnderWay = z.output<typeof underWay>
export type Pending = z.output<typeof pending>
export type Ended = z.output<typeof ended>
export type StoredRequest = z.output<typeof storedRequest>

const usageRow = z.lazy(() =>
  z.object({
    ...bookedShape,
    date: z.string(),
    model: z.string(),
    tags: z.optional(z.string()),
    requests: count,
    failures: count,
    /** Rows of an earlier version do not have it. */
    refused: z._default(count, 0),
    pending: count,
    estimated: count,
    estimatedMicroUsd: count,
    times: z.optional(z.custom<RequestTimes>(isRequestTimes)),
  }),
)

export function parseRequest(row: Record<string, unknown>): StoredRequest {
  return storedRequest.parse(parseJson(row['stored']))
}

export function parseUsageRow(row: Record<string, unknown>): UsageRow {
  return usageRow.parse(parseJson(row['stored']))
}

/** A whole number of a row; 0 for NULL, which is the sum of no rows. */
export function parseWhole(value: unknown): number {
  return whole.parse(value ?? 0)
}

const whole = z.lazy(() => integer(Number.MIN_SAFE_INTEGER))

/** JSON that this Worker has written. */
export function parseJson(text: unknown): unknown {
  return JSON.parse(parseText(text))
}

const string = z.lazy(() => z.string())

/** A text of a row. */
export function parseText(value: unknown): string {
  return string.parse(value)
}
