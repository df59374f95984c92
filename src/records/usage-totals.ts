/** What a key took in a day: the ledger's numbers, how they add up, and how they are written. */
import { isCounts } from '../limits/shard-store.ts'
import type { Usage } from '../wire/usage.ts'

/** Counts of one writer, of a key's day or of many days. Whole numbers that only grow. */
export interface Totals extends Usage {
  /** Requests that reached the model. */
  requests: number
  /** Those of them that the model failed. */
  failures: number
  /** In micro-dollars, each request rounded up once. */
  costMicroUsd: number
  /** Requests that were answered and whose usage never became known: they are in no other number but `requests`. */
  unmetered: number
}

/** How they are written: an array of the version and these. A change of the order is a new version. */
const VERSION = 1
const FIELDS = [
  'requests',
  'failures',
  'promptTokens',
  'cachedTokens',
  'completionTokens',
  'reasoningTokens',
  'costMicroUsd',
  'unmetered',
] as const satisfies readonly (keyof Totals)[]

export const NOTHING: Readonly<Totals> = {
  requests: 0,
  failures: 0,
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  costMicroUsd: 0,
  unmetered: 0,
}

export function sum(one: Totals, other: Partial<Totals>): Totals {
  return combine(one, other, (a, b) => a + b)
}

/** Of two states of one writer's totals the later one: each number only grows, so it is the larger of each. */
export function later(one: Totals, other: Totals): Totals {
  return combine(one, other, Math.max)
}

export function sumOf(many: Iterable<Totals>): Totals {
  let all: Totals = NOTHING
  for (const one of many) all = sum(all, one)
  return all
}

/** At most 150 bytes as JSON: metadata in KV has room for 1,024. */
export function encode(totals: Totals): number[] {
  return [VERSION, ...FIELDS.map((field) => totals[field])]
}

/** `undefined` for anything else: another version of the gateway, or a hand, may have written it. */
export function decode(written: unknown): Totals | undefined {
  if (!isCounts(written) || written[0] !== VERSION) return undefined
  const totals = { ...NOTHING }
  for (const [at, field] of FIELDS.entries()) totals[field] = written[at + 1] ?? 0
  return totals
}

function combine(one: Totals, other: Partial<Totals>, how: (a: number, b: number) => number): Totals {
  const totals = { ...one }
  for (const field of FIELDS) totals[field] = how(one[field], other[field] ?? 0)
  return totals
}
