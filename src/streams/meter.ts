/** A meter reads a stream in passing: its usage, its events and its end. */
import type { Usage } from '../wire/usage.ts'

/** No bytes. */
export const NO_BYTES: Uint8Array = new Uint8Array()

export interface Meter {
  /** As the upstream reported it; `null` until then. */
  readonly usage: Usage | null
  /** Events so far. They are about as many tokens, since the model sends one or a few tokens with each event. */
  readonly events: number
  /** The bytes to send on for a chunk. */
  pass(chunk: Uint8Array): readonly Uint8Array[]
  /** The bytes left to send when the upstream has ended, and whether the stream had its last event. */
  end(): { rest: Uint8Array; isComplete: boolean }
}
