/** What an isolate has last seen of the upstream: an answer and a failure. It asks nothing itself, since a call costs money. */

export interface SeenFailure {
  atMs: number
  /** In the words of `upstream/failures.ts`. */
  reason: string
  /** What the operator is to do, where only the operator can mend it. */
  alert: string | undefined
}

/** Reasons of a request that the model refused. The upstream itself was well. */
const REFUSALS = /^upstream_(vendor_refusal|bad_input|request_too_large)\b/

export class UpstreamSeen {
  /** The last answer, a refusal included, ms since 1970; `null` before the first one. */
  answeredAtMs: number | null = null
  failure: SeenFailure | null = null
  /** Whether the last call failed; `null` before the first one. */
  isFailing: boolean | null = null

  noteAnswer(nowMs: number): void {
    this.answeredAtMs = nowMs
    this.isFailing = false
  }

  noteFailure(reason: string, alert: string | undefined, nowMs: number): void {
    if (REFUSALS.test(reason)) return this.noteAnswer(nowMs)
    this.failure = { atMs: nowMs, reason, alert }
    this.isFailing = true
  }
}
