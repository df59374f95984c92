/** Lists the models, in OpenAI's shape. */
import type { Context } from 'hono'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import type { Model } from '../models.ts'

/** `GET /v1/models` */
export function listModels(c: Context<Gateway>): Response {
  return c.json({ object: 'list', data: Array.from(c.get('config').models.values(), entryOf) })
}

/**
 * `GET /v1/models/{id}`. An id with a slash may be encoded or not.
 *
 * @throws GatewayError `model_not_found`.
 */
export function getModel(c: Context<Gateway>): Response {
  const id = c.req.param('id') ?? ''
  const model = c.get('config').models.get(id)
  if (model === undefined) throw new GatewayError({ kind: 'model_not_found', model: id })
  return c.json(entryOf(model))
}

function entryOf(model: Model) {
  return {
    id: model.id,
    object: 'model',
    created: model.createdSeconds,
    owned_by: model.ownedBy,
    shutdown_date: model.shutdownDate,
  }
}
