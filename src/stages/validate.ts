/** Parses the body, checks it against a schema and keeps it as the caller sent it. Every failure is OpenAI's 400. */
import type { Context, MiddlewareHandler } from 'hono'
import * as z from 'zod/mini'
import type { Gateway } from '../context.ts'
import { GatewayError, invalidParameter, type ParameterFailure } from '../failure.ts'
import { findExcess, JSON_ELEMENTS_MAX, JSON_VALUES_MAX, type JsonExcess } from '../wire/json-bounds.ts'
import { parseJson } from '../wire/parse-json.ts'
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
export function validateJson<Schema extends z.ZodMiniType<object>>(
  schema: Schema,
): MiddlewareHandler<Gateway, string, JsonInput<Schema>> {
  return function validateJson(c, next) {
    const value = parse(decodeBody(c))
    const result = z.safeParse(schema, value, FIRST_ISSUE_ONLY)
    if (!result.success) throw new GatewayError(explain(result.error.issues, value))
    if (!isSerializable(value)) throw new GatewayError(UNSERIALIZABLE)
    // No schema takes `null`.
    c.req.addValidatedData('json', value ?? {})
    return next()
  }
}

interface JsonInput<Schema extends z.ZodMiniType> {
  in: { json: unknown }
  out: { json: z.output<Schema> }
}

/**
 * Makes text of the body's bytes, and frees the bytes. The body must be UTF-8, as for OpenAI: otherwise a prompt in another
 * character set would reach the model with its letters replaced, without an error.
 */
function decodeBody(c: Context<Gateway>): string {
  const body = c.get('body')
  const excess = findExcess(body)
  if (excess !== null) throw new GatewayError(failureOf(excess))
  try {
    return utf8.decode(body)
  } catch {
    throw new GatewayError({ kind: 'invalid_json', empty: false })
  } finally {
    // The garbage collector may leave bytes for seconds. A transfer frees them at once.
    body.buffer.transfer(0)
  }
}

/** The text is used once: kept for the minutes that the model may think, it would take as much memory as the values. */
function parse(text: string): unknown {
  const value = parseJson(text)
  if (value === undefined) throw new GatewayError({ kind: 'invalid_json', empty: text.trim() === '' })
  return value
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
