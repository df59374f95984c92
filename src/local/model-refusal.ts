/**
 * What a model of the catalog refuses: the format that it does not take, tools that its chat format does not take, and more
 * options of a stream than its schema has. The simulated model with any other slug takes everything.
 */

import { catalogModel } from '../models/catalog.ts'
import { field } from '../wire/field.ts'
import type { Refusal } from './model/parsed-request.ts'

/** The slugs of models that the simulator plays as retired. The vendor has announced their end for 2026-10-23. */
export const RETIRED_SLUGS: readonly string[] = ['openai/o4-mini', 'openai/gpt-4.1-nano']

/** The vendor's own refusals; null for a request that the model takes. */
export function modelRefusal(slug: string, request: Record<string, unknown>): Refusal | null {
  const name = slug.slice(slug.lastIndexOf('/') + 1)
  if (RETIRED_SLUGS.includes(slug)) {
    const message = `The model \`${name}\` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations`
    return { refused: true, param: null, message, status: 404, code: 'model_not_found' }
  }
  const model = catalogModel(slug)
  if (model === undefined) return null
  const { formats, toolsInChat, closedStreamOptions } = model
  if (!('messages' in request)) {
    return formats.includes('responses')
      ? null
      : refusal('model', `The requested model '${name}' cannot be used with the Responses API.`)
  }
  if (!formats.includes('chat')) {
    const message = 'This model is only supported in v1/responses and not in v1/chat/completions.'
    return { ...refusal('model', message), status: 404 }
  }
  const { tools, reasoning_effort: effort } = request
  const hasTools = Array.isArray(tools) && tools.length > 0
  if (hasTools && toolsInChat !== 'always' && !(toolsInChat === 'with_effort_none' && effort === 'none')) {
    const message = `Function tools with reasoning_effort are not supported for ${name} in /v1/chat/completions. Please use /v1/responses instead.`
    return refusal('reasoning_effort', message)
  }
  const options = Object.keys(Object(field(request, 'stream_options')))
  const unknown = options.find((option) => option !== 'include_usage')
  return closedStreamOptions && unknown !== undefined
    ? refusal(`stream_options.${unknown}`, `Unknown parameter: 'stream_options.${unknown}'.`)
    : null
}

function refusal(param: string, message: string): Refusal {
  return { refused: true, param, message }
}
