/**
 * The schema of a request's body, which makes and tries the schema of a parameter where a body has the parameter. Most bodies
 * have few of the forty that they could have. zod would make all at an isolate's start, and try all for each body.
 */
import * as z from 'zod/mini'

type Makers = Readonly<Record<string, () => z.ZodMiniType>>
type Made<All extends Makers> = { -readonly [Name in keyof All]: ReturnType<All[Name]> }
type Context = Parameters<z.ZodMiniType['_zod']['parse']>[1]

export interface Rules<Name> {
  /** The parameters that no body may lack. */
  required: readonly Name[]
  /** The issue of parameters that do not fit together; `null` for none. The parameters are valid. */
  issueOf?: (body: object) => z.core.$ZodRawIssue | null
}

/**
 * The parameters stand in the order in which their issues are found. A body that the parameters it has do not fit is validated
 * and explained by the schema of the whole body. The output of a valid body is the body itself and no copy.
 *
 * It patches `_zod.run` and `_zod.parse`, zod's internal entries of a schema, since `zod/mini` has no public hook before an
 * object's parameters. A property test holds the patched schema equal to that of the whole body, and so guards an upgrade of zod.
 */
export function bodySchema<All extends Makers>(
  makers: All,
  rules: Rules<Extract<keyof All, string>>,
): z.ZodMiniLazy<z.ZodMiniObject<Made<All>>>
export function bodySchema(
  makers: Makers,
  { required, issueOf = () => null }: Rules<string>,
): z.ZodMiniLazy<z.ZodMiniObject> {
  const known = new Map(Object.entries(makers))
  const made = new Map<string, z.ZodMiniType>()

  function schemaOf(name: string): z.ZodMiniType | undefined {
    const schema = made.get(name) ?? known.get(name)?.()
    if (schema !== undefined) made.set(name, schema)
    return schema
  }

  function fits(body: unknown, context: Context): boolean {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return false
    if (!required.every((name) => Object.hasOwn(body, name))) return false
    const areValid = Object.entries(body).every(([name, value]) => {
      const schema = schemaOf(name)
      if (schema === undefined) return true
      const result = schema._zod.run({ value, issues: [] }, context)
      return !(result instanceof Promise) && result.issues.length === 0
    })
    return areValid && issueOf(body) === null
  }

  const whole = z.lazy(() => {
    const shape = Object.fromEntries(Object.entries(makers).map(([name, make]) => [name, make()]))
    return z.object(shape).check(({ value, issues }) => {
      const issue = issueOf(value)
      if (issue !== null) issues.push(issue)
    })
  })
  const internals = whole._zod
  const parse = internals.parse.bind(internals)
  const parsePresent: typeof parse = (payload, context) =>
    fits(payload.value, context) ? payload : parse(payload, context)
  internals.parse = parsePresent
  internals.run = parsePresent
  return whole
}
