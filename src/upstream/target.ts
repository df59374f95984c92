/** A model with the inputs by which it is asked: the caller's, fitted to what the model takes, and translated where needed. */
import type { ParameterFailure } from '../failure.ts'
import type { Format, Model } from '../models/model.ts'
import { fitParameters, type Policy } from './fit-parameters.ts'
import { translationFor } from './route.ts'
import { type Fields, fieldsOf } from './translate/json.ts'
import { chatOverResponses, interpreterOf, type Interpreter } from './translate/translation.ts'

export interface Target {
  model: Model
  /** The upstream's inputs. */
  inputs: Fields
  /** Turns what the upstream says into the caller's format; `null` where it speaks that format itself. */
  interpreter: Interpreter | null
  /** The caller's parameters that were removed. */
  dropped: readonly string[]
}

/** A request in the caller's format, and how it may be changed for a model. */
export interface CallerRequest {
  format: Format
  /** As the caller's format has them, without `model`. */
  inputs: Fields
  policy: Policy
  tokenCapName: string
  /** The caller's parameters that no model gets. */
  dropped: readonly string[]
}

const USAGE = 'include_usage'

/** Chat's old name of the token cap has a counterpart in Responses, whatever a chat model makes of it. */
const TRANSLATED_IN_RESPONSES = ['max_tokens']

/** Fits the request to a model. A parameter that the model or the other format does not have is the failure. */
export function targetOf(
  model: Model,
  { format, inputs, policy, tokenCapName, dropped: droppedBefore }: CallerRequest,
): Target | ParameterFailure {
  const translation = translationFor(format, inputs, model)
  const translated = translation === chatOverResponses ? TRANSLATED_IN_RESPONSES : []
  const fitted = fitParameters(inputs, model, { policy, tokenCapName, translated })
  if (!fitted.fits) return fitted.failure
  const dropped = [...droppedBefore, ...fitted.dropped]
  if (translation === null) {
    const native = format === 'chat' ? fitChat(fitted.inputs, model) : fitted.inputs
    return { model, inputs: native, interpreter: null, dropped }
  }
  const request = translation.request(fitted.inputs, model.efforts)
  if (!request.translated) return request.failure
  const interpreter = interpreterOf(translation, request.toCaller, fitted.inputs)
  const foreign = format === 'chat' ? request.inputs : withoutLabels(request.inputs)
  return { model, inputs: foreign, interpreter, dropped }
}

/** The chat schemas of newer models know no other option of a stream than its usage, and refuse a request with another. */
function fitChat(inputs: Fields, { closedStreamOptions }: Model): Fields {
  const options = fieldsOf(inputs['stream_options'])
  if (!closedStreamOptions || Object.keys(options).every((name) => name === USAGE)) return inputs
  const { stream_options: _all, ...others } = inputs
  return USAGE in options ? { ...others, stream_options: { [USAGE]: options[USAGE] } } : others
}

/** Chat completions refuse the labels of an answer that is not stored. The translated answer repeats the caller's. */
function withoutLabels(inputs: Fields): Fields {
  const { metadata: _labels, ...others } = inputs
  return inputs['store'] === true ? inputs : others
}
