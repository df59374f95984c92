/** Tries the models of a request in turn, each once, until one answers or the failure is not one of the model. */
import type { Failure, ParameterFailure } from '../failure.ts'
import type { Model } from '../models/model.ts'
import type { AcceptedResult, UpstreamResult } from './call.ts'
import { AttemptCancellation, type Cancellation } from './cancellation.ts'
import type { FallsBack } from './failure-table.ts'
import { type FailureOutcome, timeoutOutcome } from './failures.ts'
import type { Target } from './target.ts'

export interface FailedAttempt {
  model: Model
  /** For the log. */
  reason: string
  /** OpenAI's code of the failure; `null` where it has none. */
  code: string | null
  isModelGone: boolean
  fallsBack: FallsBack
  /** The call; `null` where the request could not be put to the model at all. */
  called: CalledAttempt | null
}

/** A call of a model that has failed. Times are ms since 1970. */
export interface CalledAttempt {
  failure: Failure
  /** Whether the model may have made tokens that are billed. */
  mayHaveWorked: boolean
  startedAtMs: number
  endedAtMs: number
}

export interface Attempts {
  first: Target
  /** The models behind it, in their order. */
  others: readonly Model[]
  /** Fits the request to a model, once it is the model's turn. */
  targetOf: (model: Model) => Target | ParameterFailure
  /** Calls a model. Never rejects. */
  call: (target: Target, cancellation: Pick<Cancellation, 'signal' | 'race'>) => Promise<UpstreamResult>
  /**
   * Waits for the proof that an accepted call is an answer: the first output of a stream, or a whole answer. No byte of it
   * has gone to the client. Never rejects. The last model needs no proof, since nothing could follow.
   */
  prove: (accepted: AcceptedResult, target: Target, attempt: AttemptCancellation) => Promise<UpstreamResult>
  /** The deadline of all attempts together. */
  cancellation: Cancellation
  /** Ms since 1970. */
  clock: () => number
}

type FailedResult = Extract<UpstreamResult, { accepted: false }>

export interface Outcome {
  /** The model that has answered, or the first one where none has. */
  target: Target
  /** Its answer, or the first failure. */
  result: UpstreamResult
  failed: readonly FailedAttempt[]
}

/** Never rejects. Each model has an equal share of the time that is left. */
export async function tryInTurn(attempts: Attempts): Promise<Outcome> {
  const { first, others, targetOf, cancellation, clock } = attempts
  const failed: FailedAttempt[] = []
  let firstFailure: FailedResult | null = null
  for (const [at, model] of [first.model, ...others].entries()) {
    if (!canFollow(model, failed)) continue
    const target = at === 0 ? first : targetOf(model)
    if ('kind' in target) {
      failed.push(misfit(model, target))
      continue
    }
    const startedAtMs = clock()
    const result = await tryOne(target, others.length - at, attempts)
    if (result.accepted) return { target, result, failed }
    const { failure, mayHaveWorked } = result
    failed.push(attemptOf(model, result, { failure, mayHaveWorked, startedAtMs, endedAtMs: clock() }))
    firstFailure ??= result
    if (cancellation.cancelReason !== null || result.fallsBack === 'never') break
  }
  if (firstFailure === null) throw new Error('the first model is always called')
  return { target: first, result: firstFailure, failed }
}

/** Whether a model may answer where those before it have not. A missing credit is one of all models of a vendor. */
function canFollow({ slug }: Model, failed: readonly FailedAttempt[]): boolean {
  return failed.every(
    ({ fallsBack, model }) => fallsBack === 'always' || vendorOf(model.slug) !== vendorOf(slug),
  )
}

function vendorOf(slug: string): string {
  return slug.split('/', 1)[0] ?? ''
}

async function tryOne(
  target: Target,
  followers: number,
  { call, prove, cancellation }: Attempts,
): Promise<UpstreamResult> {
  if (followers === 0) return call(target, cancellation)
  const attempt = new AttemptCancellation(cancellation, cancellation.leftMs / (followers + 1))
  const called = await call(target, attempt)
  const result = called.accepted ? await prove(called, target, attempt) : called
  attempt.clearTimeout()
  if (result.accepted) return result
  attempt.end()
  return attempt.isLate ? { accepted: false, ...timeoutOutcome() } : result
}

function attemptOf(
  model: Model,
  { failure, diagnosis, fallsBack }: FailureOutcome,
  called: CalledAttempt,
): FailedAttempt {
  const { reason, isModelGone = false } = diagnosis
  return { model, reason, code: failure.code, isModelGone, fallsBack, called }
}

/** The request cannot be put to this model. The next one may take it. */
function misfit(model: Model, { kind, param, code }: ParameterFailure): FailedAttempt {
  return { model, reason: `${kind}: ${param}`, code, isModelGone: false, fallsBack: 'always', called: null }
}
