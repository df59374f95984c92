/** The last calls and cancellations, so that a test can read what reached the upstream. */

import { print } from './print.ts'

export const CALLS_KEPT_MAX = 100
export const CANCELLATIONS_KEPT_MAX = 100

/** The bound of all kept inputs, in characters of JSON. Large calls make older ones drop out sooner. */
export const CALL_CHARACTERS_KEPT_MAX = 8_000_000

export interface Call {
  readonly id: string
  /** The body's `simulate.tag`; null without one. */
  readonly tag: string | null
  readonly model: string
  readonly inputs: Record<string, unknown>
  /** The options of `run()` without the signal. */
  readonly options: Record<string, unknown>
}

export interface Cancellation {
  readonly id: string
  readonly tag: string | null
  /** `waiting`: before the first chunk of the body. */
  readonly at: 'waiting' | 'streaming'
  readonly chunksSent: number
}

const calls: { call: Call; characters: number }[] = []
const cancellations: Cancellation[] = []

/** `characters` is the length of the inputs as JSON. */
export function recordCall(call: Call, characters: number): void {
  calls.push({ call, characters })
  let total = calls.reduce((sum, kept) => sum + kept.characters, 0)
  while (calls.length > CALLS_KEPT_MAX || (total > CALL_CHARACTERS_KEPT_MAX && calls.length > 1)) {
    total -= calls.shift()?.characters ?? 0
  }
}

export function recordCancellation(cancellation: Cancellation): void {
  cancellations.push(cancellation)
  if (cancellations.length > CANCELLATIONS_KEPT_MAX) cancellations.shift()
  print(`client left after ${cancellation.chunksSent} chunks`)
}

/** Oldest first. */
export function lastCalls(): Call[] {
  return calls.map(({ call }) => call)
}

/** Oldest first. */
export function lastCancellations(): Cancellation[] {
  return [...cancellations]
}
