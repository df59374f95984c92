/** Parses the body, checks it against a schema and keeps it as the caller sent it. Every failure is OpenAI's 400. */
import { zValidator } from '@hono/zod-validator'
import type { Context } from 'hono'
import * as z from 'zod/mini'
import type { Gateway } from '../context.ts'
import { GatewayError, invalidParameter, type ParameterFailure } from '../failure.ts'
import { findExcess, JSON_ELEMENTS_MAX, JSON_VALUES_MAX, type JsonExcess } from '../wire/json-bounds.ts'
import { pathOf } from '../wire/parameter-text.ts'
import { isSerializable, JSON_LEVELS_MAX } from '../wire/serializable.ts'
import { explain, FIRST_ISSUE_ONLY } from '../wire/validation-error.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/**
 * The body as JSON that fits `schema`. Later stages get the parsed body itself and not zod's copy of it, so that fields
 * which the schema does not know stay where they are. A lazy schema lets an isolate start sooner, since it is made when a
 * request first needs it.
 *
 * @throws GatewayError `invalid_json`; `invalid_parameter` with the path of the first thing that is wrong.
 */
export function validateJson<Schema extends z.ZodMiniType>(schema: Schema) {
  const validate = zValidator<Schema, 'json', Gateway, string>('json', schema, undefined, {
    validationFunction: (_schema, value: unknown) => {
      const result = z.safeParse(schema, value, FIRST_ISSUE_ONLY)
      if (!result.success) throw new GatewayError(explain(result.error.issues, value))
      if (!isSerializable(value)) throw new GatewayError(UNSERIALIZABLE)
      return { success: true, data: value }
    },
  })
  const decodeAndValidate: typeof validate = (c, next) => {
    decodeBody(c)
    return validate(c, next)
  }
  return decodeAndValidate
}

/**
 * Makes text of the body's bytes, for Hono's validator to parse, and frees the bytes. The body must be UTF-8, as for OpenAI:
 * otherwise a prompt in another character set would reach the model with its letters replaced, without an error.
 */
function decodeBody(c: Context<Gateway>): void {
  const body = c.get('body')
  if (body === undefined) return
  const excess = findExcess(body)
  if (excess !== null) throw new GatewayError(failureOf(excess))
  let text: string
  try {
    text = utf8.decode(body)
  } catch {
    throw new GatewayError({ kind: 'invalid_json', empty: false })
  }
  Object.assign(c.req.bodyCache, { text: Promise.resolve(text) })
  // The garbage collector may leave bytes for seconds. A transfer frees them at once.
  body.buffer.transfer(0)
}

const UNSERIALIZABLE = invalidParameter(
  null,
  `Invalid request body: it is nested deeper than ${JSON_LEVELS_MAX} levels, or has a number beyond ±1.8e308.`,
)

function failureOf({ bound, parameter }: JsonExcess): ParameterFailure {
  switch (bound) {
    case 'levels':
      return UNSERIALIZABLE
    case 'elements': {
      const param = parameter === null ? null : pathOf([parameter])
      const place = param === null ? 'request body' : `'${param}'`
      const message = `Invalid ${place}: an array or object in it is too long. Expected at most ${JSON_ELEMENTS_MAX} elements or properties.`
      return invalidParameter(param, message, 'array_above_max_length')
    }
    case 'values':
      return invalidParameter(
        null,
        `Invalid request body: it has too many values. Expected at most ${JSON_VALUES_MAX} in all arrays and objects.`,
      )
  }
}
