/** Finds the model that the body names. */
import type { MiddlewareHandler } from 'hono'
import type { Gateway, ModelInput } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { modelsToTry } from './fall-back.ts'
import { isModelAllowed } from '../models/allowed-model.ts'
import { warnOfEnd } from './warn-of-model.ts'

/** @throws GatewayError `model_not_found`, also for a model that the key may not use. */
export function resolveModel(): MiddlewareHandler<Gateway, string, ModelInput> {
  return function resolveModel(c, next) {
    const { model: id } = c.req.valid('json')
    const model = c.get('config').models.get(id)
    if (model === undefined) throw new GatewayError({ kind: 'model_not_found', model: id })
    if (!isModelAllowed(model, c.get('key').models))
      throw new GatewayError({ kind: 'model_not_found', model: id }, 'model_not_allowed')
    c.set('model', model)
    c.set('models', modelsToTry(c, model))
    c.get('log').model = model.id
    warnOfEnd(c)
    return next()
  }
}
