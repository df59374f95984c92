/** What reads a stream in passing. */
import type { Usage } from '../wire/usage.ts'

export interface Meter {
  /** As the upstream reported it; `null` until then. */
  readonly usage: Usage | null
  /** Events that have gone by; about as many tokens, since the model sends one or a few with each. */
  readonly events: number
  /** What to send on for a chunk that came. */
  pass(chunk: Uint8Array): readonly Uint8Array[]
  /** What is left to send when the upstream has ended, and whether it had said that this is all. */
  end(): { rest: Uint8Array; isComplete: boolean }
}
