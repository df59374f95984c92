/** The one place that reaches into zod: a shortcut past the validation of values that most requests have. */
import type * as z from 'zod/mini'

export type Context = Parameters<z.ZodMiniType['_zod']['run']>[1]

/**
 * The same schema, which takes a value that `accepts` without validating it. Any other value is validated and explained as before.
 * The output of an accepted value is the value itself and no copy.
 *
 * It patches `_zod.run`, zod's internal entry of a schema, in place, since `zod/mini` has no public hook before the parts of a
 * value. Property tests hold the patched schemas equal to the plain ones, and so guard an upgrade of zod.
 */
export function acceptEarly<Schema extends z.ZodMiniType>(
  schema: Schema,
  accepts: (value: unknown, context: Context) => boolean,
): Schema {
  const internals = schema._zod
  const run = internals.run.bind(internals)
  internals.run = (payload, context) => (accepts(payload.value, context) ? payload : run(payload, context))
  return schema
}
