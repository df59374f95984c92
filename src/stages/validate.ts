/** Checks the body against a schema and keeps it as the caller sent it; every failure is OpenAI's 400. */
import { zValidator } from '@hono/zod-validator'
import { createMiddleware } from 'hono/factory'
import * as z from 'zod/mini'
import type { Gateway, ModelInput } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { log } from '../log.ts'
import type { Model } from '../models.ts'
import { explain, FIRST_ISSUE_ONLY } from '../wire/validation-error.ts'
import { isRewritable, JSON_LEVELS_MAX } from '../wire/serializable.ts'

/**
 * The body as JSON that fits `schema`. What later stages get is the parsed body itself, not zod's copy of it: fields
 * that the schema does not know stay where they are. A lazy schema lets an isolate start sooner, which then makes only
 * what it is asked for.
 *
 * @throws GatewayError `invalid_parameter` with the path of the first thing that is wrong.
 */
export function validateJson<Schema extends z.ZodMiniType>(schema: Schema) {
  return zValidator('json', schema, undefined, {
    validationFunction: (_schema, value: unknown) => {
      const result = z.safeParse(schema, value, FIRST_ISSUE_ONLY)
      if (!result.success) throw new GatewayError(explain(result.error.issues, value))
      if (!isRewritable(value)) throw new GatewayError(UNWRITABLE)
      return { success: true, data: value }
    },
  })
}

const UNWRITABLE = {
  kind: 'invalid_parameter',
  param: null,
  code: 'invalid_value',
  message: `Invalid request body: it is nested deeper than ${JSON_LEVELS_MAX} levels, or has a number beyond ±1.8e308.`,
} as const

/**
 * Finds the model that the body names.
 *
 * @throws GatewayError `model_not_found`.
 */
export function resolveModel() {
  return createMiddleware<Gateway, string, ModelInput>(async function resolveModel(c, next) {
    const { model: id } = c.req.valid('json')
    const model = c.get('config').models.get(id)
    if (model === undefined) throw new GatewayError({ kind: 'model_not_found', model: id })
    warnOfShutdown(model, Date.now())
    c.set('model', model)
    c.get('log').model = model.id
    await next()
  })
}

/** A model's end is in the log from so many days before it. */
export const SHUTDOWN_WARNING_DAYS = 60

/** Slugs whose end this isolate has told of: once is enough. As many as the table has at most. */
const told = new Set<string>()

function warnOfShutdown({ slug, shutdownDate }: Model, nowMs: number): void {
  if (shutdownDate === null || told.has(slug)) return
  if (Date.parse(shutdownDate) - nowMs > SHUTDOWN_WARNING_DAYS * 86_400_000) return
  told.add(slug)
  const cause = `${slug}: the vendor has announced its end for ${shutdownDate}; MODELS can point its name elsewhere`
  log({ event: 'trouble', what: 'model_retirement', cause }, 'warn')
}
