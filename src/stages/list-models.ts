/** Lists the models that the key may use, in OpenAI's shape, with their limits and prices. */
import type { Context } from 'hono'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isModelAllowed } from '../models/allowed-model.ts'
import type { Model } from '../models/model.ts'
import { type Rates, usdOf } from '../models/prices.ts'

/** `GET /v1/models` */
export function listModels(c: Context<Gateway>): Response {
  const { models } = c.get('key')
  const allowed = [...c.get('config').models.values()].filter((model) => isModelAllowed(model, models))
  return c.json({ object: 'list', data: allowed.map(entryOf) })
}

/**
 * `GET /v1/models/{id}`. An id with a slash may be encoded or not.
 *
 * @throws GatewayError `model_not_found`.
 */
export function getModel(c: Context<Gateway>): Response {
  const id = c.req.param('id') ?? ''
  const model = c.get('config').models.get(id)
  if (model === undefined || !isModelAllowed(model, c.get('key').models))
    throw new GatewayError({ kind: 'model_not_found', model: id })
  return c.json(entryOf(model))
}

function entryOf(model: Model) {
  const { longContext } = model.prices
  return {
    id: model.id,
    object: 'model',
    created: model.createdSeconds,
    owned_by: model.ownedBy,
    shutdown_date: model.shutdownDate,
    context_window: model.contextTokens,
    max_output_tokens: model.outputTokensMax,
    usd_per_million_tokens: {
      ...shownRates(model.prices),
      ...(longContext === undefined
        ? {}
        : { long_context: { above_tokens: longContext.aboveTokens, ...shownRates(longContext) } }),
    },
  }
}

function shownRates(rates: Rates) {
  const { input, cachedInput, cacheWrite, output } = usdOf(rates)
  return { input, cached_input: cachedInput, cache_write: cacheWrite, output }
}
