/** Finds the model that the body names. */
import type { MiddlewareHandler } from 'hono'
import { DAY_MS } from '../calendar.ts'
import type { Gateway, ModelInput } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { log } from '../log.ts'
import type { Model } from '../models.ts'

/** Days before a model's end from which on each isolate logs one warning. */
export const SHUTDOWN_WARNING_DAYS = 60

/** @throws GatewayError `model_not_found`. */
export function resolveModel(): MiddlewareHandler<Gateway, string, ModelInput> {
  return async function resolveModel(c, next) {
    const { model: id } = c.req.valid('json')
    const model = c.get('config').models.get(id)
    if (model === undefined) throw new GatewayError({ kind: 'model_not_found', model: id })
    warnOfShutdown(model, Date.now(), isolateOf(c.env).warned)
    c.set('model', model)
    c.get('log').model = model.id
    await next()
  }
}

function warnOfShutdown({ slug, shutdownDate }: Model, nowMs: number, warned: Set<string>): void {
  if (shutdownDate === null || warned.has(slug)) return
  if (Date.parse(shutdownDate) - nowMs > SHUTDOWN_WARNING_DAYS * DAY_MS) return
  warned.add(slug)
  const cause = `${slug}: the vendor has announced its end for ${shutdownDate}; MODELS can point its name elsewhere`
  log({ event: 'trouble', what: 'model_retirement', cause }, 'warn')
}
