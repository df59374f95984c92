/** A route as its noun describes it. `render-operation.ts` makes OpenAPI of it. */
import * as z from 'zod/mini'
import { GatewayError, type ParameterFailure } from '../failure.ts'
import { explain, FIRST_ISSUE_ONLY } from '../wire/validation-error.ts'
import type { FailureName } from './failures.ts'
import type { HeaderName } from './headers.ts'
import type { JsonSchema } from './json-schema.ts'
import type { ComponentName } from './schemas.ts'

export interface Operation {
  method: 'get' | 'post' | 'patch' | 'delete'
  /** With parameters in braces. */
  path: string
  id: string
  tag: string
  summary: string
  description?: string
  /** Who may call it: `anyone`, the holder of a `key`, or the `operator`. */
  caller: 'anyone' | 'key' | 'operator'
  parameters?: readonly Parameter[]
  body?: Body
  /** Absent for a route that always fails. */
  answer?: Answer
  failures: readonly FailureName[]
  /** The failure of a wrong parameter, as an example. */
  refusal?: ParameterFailure
  /** Whether answers say where the limits of the key stand. */
  isCounted?: true
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  description: string
  schema: JsonSchema
  example?: string | number
}

export interface Body {
  schema: ComponentName
  description?: string
  /** Whether a request must have a body. */
  required: boolean
  examples: Readonly<Record<string, Example>>
}

export interface Example {
  summary: string
  value: object
}

export interface Answer {
  status: 200 | 201
  description: string
  json?: { schema: ComponentName; examples: Readonly<Record<string, Example>> }
  /** An answer that is neither JSON nor a stream. */
  text?: { type: string; example: string }
  /** The events of a stream, as text. */
  stream?: { schema: ComponentName; description: string; example: string }
  headers?: readonly HeaderName[]
}

/** The refusal of a body, as `validateJson` makes it. @throws Error for a body that the schema takes. */
export function refusalOfBody(schema: z.ZodMiniType, body: object): ParameterFailure {
  const { error } = z.safeParse(schema, body, FIRST_ISSUE_ONLY)
  if (error === undefined) throw new Error('the example of a refusal is not refused')
  return explain(error.issues, body)
}

/** The refusal of a query. @throws Error for a query that is taken. */
export function refusalOfQuery(parse: () => unknown): ParameterFailure {
  try {
    parse()
  } catch (error) {
    if (error instanceof GatewayError && error.failure.kind === 'invalid_parameter') return error.failure
    throw error
  }
  throw new Error('the example of a refusal is not refused')
}
