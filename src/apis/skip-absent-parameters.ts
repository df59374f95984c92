/** A shortcut for bodies with few parameters, which most requests have: zod tries each of the forty that a body could have. */
import type * as z from 'zod/mini'

type Shape = Readonly<Record<string, z.ZodMiniType>>
type Context = Parameters<z.ZodMiniType['_zod']['parse']>[1]

/** The parameters of a schema by name, and the names of those that no body may lack. */
interface Known {
  parameters: ReadonlyMap<string, z.ZodMiniType>
  required: readonly string[]
}

/**
 * The same schema, which validates only the parameters that a body has. A body that it does not accept so is validated and
 * explained as before. The output is then the input itself and no copy.
 *
 * It patches `_zod.parse` in place, as `skipPlainMessages` patches `_zod.run`: the checks of the whole body come behind it. A
 * property test holds the patched schema equal to the plain one, and so guards an upgrade of zod.
 */
export function skipAbsentParameters<Body extends Shape>(body: z.ZodMiniObject<Body>): z.ZodMiniObject<Body> {
  const internals = body._zod
  const parse = internals.parse.bind(internals)
  let known: Known | undefined
  const parsePresent: typeof parse = (payload, context) => {
    known ??= knownOf(internals.def.shape)
    return fits(payload.value, known, context) ? payload : parse(payload, context)
  }
  // A schema without checks runs by its `parse`, and zod has copied that already.
  if (internals.run === internals.parse) internals.run = parsePresent
  internals.parse = parsePresent
  return body
}

function knownOf(shape: Shape): Known {
  const parameters = new Map(Object.entries(shape))
  const required = [...parameters].filter(([, { _zod }]) => _zod.optin === undefined).map(([name]) => name)
  return { parameters, required }
}

function fits(body: unknown, { parameters, required }: Known, context: Context): boolean {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false
  if (!required.every((name) => Object.hasOwn(body, name))) return false
  return Object.entries(body).every(([name, value]) => {
    const parameter = parameters.get(name)
    if (parameter === undefined) return true
    const result = parameter._zod.run({ value, issues: [] }, context)
    return !(result instanceof Promise) && result.issues.length === 0
  })
}
