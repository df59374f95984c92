/** Treats the parameters that a model refuses as the operator has chosen. */
import { invalidParameter, type ParameterFailure } from '../failure.ts'
import type { ModelFacts } from '../models/model.ts'
import { nearestEffort } from './translate/effort.ts'
import { type Fields, textOf } from './translate/json.ts'
import { field } from '../wire/field.ts'

/**
 * `forward` lets the model refuse them itself, `reject` refuses them in its place, `drop` removes them. An effort that the
 * model does not take becomes the nearest one with `drop`.
 */
export type Policy = 'forward' | 'reject' | 'drop'

export interface Fitting {
  policy: Policy
  /** The name by which the caller's API knows the limit `max_tokens` of a reasoning model. */
  tokenCapName: string
  /** Parameters that the translation expresses in the words of the other format. */
  translated: readonly string[]
}

export type Fitted =
  | { fits: true; inputs: Fields; dropped: readonly string[] }
  | { fits: false; failure: ParameterFailure }

/** Parameters that some reasoning models take with the effort `none`. Source: OpenAI's notes on gpt-5.1 and on gpt-6. */
const TAKEN_WITHOUT_REASONING: readonly string[] = ['temperature', 'top_p', 'logprobs', 'top_logprobs']

/** `inputs` are the caller's, in the caller's format. */
export function fitParameters(inputs: Fields, model: ModelFacts, fitting: Fitting): Fitted {
  const { policy, tokenCapName } = fitting
  if (policy === 'forward') return { fits: true, inputs, dropped: [] }
  const refused = refusedOf(inputs, model, fitting)
  if (policy === 'reject') {
    const [param] = refused
    if (param === undefined) return { fits: true, inputs, dropped: [] }
    const instead = param === 'max_tokens' ? ` Use '${tokenCapName}' instead.` : ''
    const message = `Unsupported parameter: '${param}' is not supported with this model.${instead}`
    return { fits: false, failure: invalidParameter(param, message, 'unsupported_parameter') }
  }
  const kept = Object.fromEntries(Object.entries(inputs).filter(([name]) => !refused.includes(name)))
  if (refused.includes('max_tokens')) kept[tokenCapName] ??= inputs['max_tokens']
  return { fits: true, inputs: withNearestEffort(kept, model), dropped: refused }
}

function refusedOf(inputs: Fields, { refusedParameters, efforts }: ModelFacts, { translated }: Fitting) {
  const isWithoutReasoning = effortOf(inputs) === 'none' && efforts?.includes('none') === true
  return refusedParameters.filter(
    (name) =>
      inputs[name] != null &&
      !translated.includes(name) &&
      !(isWithoutReasoning && TAKEN_WITHOUT_REASONING.includes(name)),
  )
}

/** An effort that the model does not take would be refused, so the nearest one stands in its place. */
function withNearestEffort(inputs: Fields, { efforts }: ModelFacts): Fields {
  const effort = effortOf(inputs)
  const nearest = effort === '' ? undefined : nearestEffort(effort, efforts)
  if (nearest === undefined || nearest === effort) return inputs
  return inputs['reasoning_effort'] == null
    ? { ...inputs, reasoning: { ...Object(inputs['reasoning']), effort: nearest } }
    : { ...inputs, reasoning_effort: nearest }
}

/** The effort in the words of either format; empty where the request names none. */
function effortOf(inputs: Fields): string {
  return textOf(inputs['reasoning_effort'] ?? field(inputs['reasoning'], 'effort'))
}
