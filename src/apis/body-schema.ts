/**
 * The schema of a request's body, which makes and tries the schema of a parameter where a body has the parameter. Most bodies
 * have few of the forty that they could have. zod would make all at an isolate's start, and try all for each body.
 */
import * as z from 'zod/mini'
import { lazy } from '../lazy.ts'
import { acceptEarly, type Context } from './accept-early.ts'

type Makers = Readonly<Record<string, () => z.ZodMiniType>>
type Made<All extends Makers> = { -readonly [Name in keyof All]: ReturnType<All[Name]> }

export interface Rules<Name> {
  /** The parameters that no body may lack. */
  required: readonly Name[]
  /** The issue of parameters that do not fit together; `null` for none. The parameters are valid. */
  issueOf?: (body: object) => z.core.$ZodRawIssue | null
}

/**
 * The parameters stand in the order in which their issues are found. A body that the parameters it has do not fit is validated
 * and explained by the schema of the whole body.
 */
export function bodySchema<All extends Makers>(
  makers: All,
  rules: Rules<Extract<keyof All, string>>,
): z.ZodMiniLazy<z.ZodMiniObject<Made<All>>>
export function bodySchema(
  makers: Makers,
  { required, issueOf = () => null }: Rules<string>,
): z.ZodMiniLazy<z.ZodMiniObject> {
  const parameters = new Map(Object.entries(makers).map(([name, make]) => [name, lazy(make)]))

  function fits(body: unknown, context: Context): boolean {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return false
    if (!required.every((name) => Object.hasOwn(body, name))) return false
    const areValid = Object.entries(body).every(([name, value]) => {
      const schema = parameters.get(name)?.()
      if (schema === undefined) return true
      const result = schema._zod.run({ value, issues: [] }, context)
      return !(result instanceof Promise) && result.issues.length === 0
    })
    return areValid && issueOf(body) === null
  }

  const whole = z.lazy(() => {
    const shape = Object.fromEntries([...parameters].map(([name, schemaOf]) => [name, schemaOf()]))
    return z.object(shape).check(({ value, issues }) => {
      const issue = issueOf(value)
      if (issue !== null) issues.push(issue)
    })
  })
  return acceptEarly(whole, fits)
}
