/** Checks the body against a schema and keeps it as the caller sent it. Every failure is OpenAI's 400. */
import { zValidator } from '@hono/zod-validator'
import * as z from 'zod/mini'
import { GatewayError, invalidParameter } from '../failure.ts'
import { isSerializable, JSON_LEVELS_MAX } from '../wire/serializable.ts'
import { explain, FIRST_ISSUE_ONLY } from '../wire/validation-error.ts'

/**
 * The body as JSON that fits `schema`. Later stages get the parsed body itself and not zod's copy of it, so that fields
 * which the schema does not know stay where they are. A lazy schema lets an isolate start sooner, since it is made when a
 * request first needs it.
 *
 * @throws GatewayError `invalid_parameter` with the path of the first thing that is wrong.
 */
export function validateJson<Schema extends z.ZodMiniType>(schema: Schema) {
  return zValidator('json', schema, undefined, {
    validationFunction: (_schema, value: unknown) => {
      const result = z.safeParse(schema, value, FIRST_ISSUE_ONLY)
      if (!result.success) throw new GatewayError(explain(result.error.issues, value))
      if (!isSerializable(value)) throw new GatewayError(UNSERIALIZABLE)
      return { success: true, data: value }
    },
  })
}

const UNSERIALIZABLE = invalidParameter(
  null,
  `Invalid request body: it is nested deeper than ${JSON_LEVELS_MAX} levels, or has a number beyond ±1.8e308.`,
)
