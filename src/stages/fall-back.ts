/** Lets other models answer where the requested one fails, and tells the caller and the log which one has. */
import type { Context } from 'hono'
import type { Gateway } from '../context.ts'
import { renderFailure } from '../render-failure.ts'
import { isolateOf } from '../isolate.ts'
import { log } from '../log.ts'
import type { Model } from '../models/model.ts'
import { RETIRED_MS } from '../models/retired-models.ts'
import type { Relay } from '../streams/relay.ts'
import { holdUntilOutput } from '../streams/hold-until-output.ts'
import { type Attempts, type FailedAttempt, tryInTurn } from '../upstream/attempts.ts'
import type { UpstreamResult } from '../upstream/call.ts'
import { proveAnswer } from '../upstream/read-answer.ts'
import { targetOf } from '../upstream/target.ts'
import { showDropped } from './prepare-inputs.ts'
import { raiseNoCredit } from './raise-alert.ts'

/** A caller that sends it with the value 1 gets the answer of the requested model or its error. */
export const NO_FALLBACK_HEADER = 'x-gateway-no-fallback'

/** The models to try for a request, in their order. One that is gone upstream is skipped, unless all are. */
export function modelsToTry(c: Context<Gateway>, model: Model): readonly [Model, ...Model[]] {
  if (model.fallback.length === 0 || c.req.header(NO_FALLBACK_HEADER) === '1') return [model]
  const { retiredModels } = isolateOf(c.env)
  const nowMs = Date.now()
  const isThere = ({ slug }: Model): boolean => !retiredModels.has(slug, nowMs)
  const [first, ...others] = [model, ...model.fallback].filter(isThere)
  if (first === undefined) return [model]
  if (first !== model) {
    c.get('log').attempts = [{ model: model.slug, reason: 'skipped: the model is gone' }]
    c.set('fallbackReason', 'model_not_found')
  }
  return [first, ...others]
}

/** Tries the models of the request. It sets the target to the one whose answer or failure the result is. */
export async function fallBack(
  c: Context<Gateway>,
  isOutput: Relay['api']['isOutput'],
  { call, cancellation }: Pick<Attempts, 'call' | 'cancellation'>,
): Promise<UpstreamResult> {
  const [, ...others] = c.get('models')
  const first = c.get('target')
  const isStream = first.inputs['stream'] === true
  const { target, result, failed } = await tryInTurn({
    first,
    others,
    targetOf: (model) => targetOf(model, c.get('callerRequest')),
    call,
    prove: (accepted, { interpreter }, attempt) =>
      isStream ? holdUntilOutput(accepted, isOutput, attempt) : proveAnswer(accepted, interpreter, attempt),
    cancellation,
    clock: () => Date.now(),
  })
  // Where all have failed, the first failure is that of the request.
  bookAttempts(c, result.accepted ? failed : failed.slice(1))
  record(c, failed, result.accepted ? target.model : null)
  if (result.accepted && target !== first) {
    c.set('target', target)
    showDropped(c, target)
    c.set('fallbackReason', c.get('fallbackReason') ?? failed[0]?.code ?? 'upstream_error')
  }
  return result
}

/** Books the attempts that another model was tried after. They may have made tokens, and the vendor bills those. */
function bookAttempts(c: Context<Gateway>, failed: readonly FailedAttempt[]): void {
  for (const { model, reason, called } of failed) {
    if (called === null) continue
    const { failure, mayHaveWorked: isCharged, startedAtMs, endedAtMs } = called
    const { status } = renderFailure(failure)
    c.get('settleAttempt')({ model, isCharged, status, reason, startedAtMs, endedAtMs })
  }
}

/** Tells that another model than the requested one has answered. A stream whose headers have left tells it by its `model`. */
export function tellFallback(c: Context<Gateway>): void {
  const reason = c.get('fallbackReason')
  if (reason === undefined) return
  const requested = c.get('model')
  const place = requested.fallback.indexOf(c.get('target').model) + 1
  const headers = c.get('responseHeaders')
  headers['x-gateway-model-requested'] = requested.id
  headers['x-gateway-fallback'] = `${place};reason=${reason}`
}

function record(c: Context<Gateway>, failed: readonly FailedAttempt[], served: Model | null): void {
  if (failed.length === 0) return
  c.get('log').attempts = [
    ...(c.get('log').attempts ?? []),
    ...failed.map(({ model, reason }) => ({ model: model.slug, reason })),
    ...(served === null ? [] : [{ model: served.slug, reason: 'accepted' }]),
  ]
  const { retiredModels } = isolateOf(c.env)
  for (const { model, reason, isModelGone } of failed) {
    // Another vendor's model may have answered, and then no one else would tell.
    raiseNoCredit(c, reason)
    if (!isModelGone) continue
    retiredModels.add(model.slug, Date.now())
    const cause = `${model.slug}: the upstream has no such model (any more). This isolate skips it for ${RETIRED_MS / 60_000} minutes. The var MODELS decides on the name ${c.get('model').configuredAs}.`
    log({ event: 'trouble', what: 'model_gone', cause })
  }
}
