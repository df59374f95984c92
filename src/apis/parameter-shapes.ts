/**
 * Shapes of parameters that both APIs have. `null` stands for absent in any of them, as for OpenAI's API itself. A string
 * given to a schema is the name of the type that it expects; `explain` uses it.
 *
 * They are functions, so that a schema is made where a body has its parameter: an isolate starts sooner.
 */
import * as z from 'zod/mini'
import { integer } from '../wire/integer.ts'

/** Characters (Unicode code points, as JSON Schema counts) of `safety_identifier`. */
export const SAFETY_IDENTIFIER_CHARACTERS_MAX = 64

export const string = () => z.string()
export const modelName = () => z.string().check(z.minLength(1))
export const maybeString = () => z.nullish(string())
export const maybeBoolean = () => z.nullish(z.boolean())
export const maybeObject = () => z.nullish(z.object({}))
export const tokensMax = () => z.nullish(integer(1))
export const temperature = () => z.nullish(z.number().check(z.minimum(0), z.maximum(2)))
export const topP = () => z.nullish(z.number().check(z.minimum(0), z.maximum(1)))
export const topLogprobs = () => z.nullish(integer(0, 20))
export const metadata = () => z.nullish(mapOf(string(), 'a metadata object'))
export const safetyIdentifier = () =>
  z.nullish(z.string().check(characters(SAFETY_IDENTIFIER_CHARACTERS_MAX)))
export const verbosity = () => z.nullish(z.enum(['low', 'medium', 'high']))
export const effort = () => z.nullish(z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']))
export const toolMode = () => z.enum(['none', 'auto', 'required'])
/** The fields of a JSON schema: chat has them in `json_schema`, and Responses beside `type`. */
export const jsonSchemaShape = () => ({
  name: string(),
  description: maybeString(),
  schema: maybeObject(),
  strict: maybeBoolean(),
})

/** An object with any names, whose values fit a schema. `z.record` would cost half a kilobyte of the bundle. */
export function mapOf<Value extends z.ZodMiniType>(value: Value, name?: string) {
  return z.catchall(z.object({}, name), value)
}

/** `z.maxLength` counts UTF-16 units, twice for an emoji, and would refuse what JSON Schema allows. */
function characters(maximum: number) {
  return z.check<string>(({ value, issues }) => {
    if (value.length <= maximum || (value.length <= 2 * maximum && Array.from(value).length <= maximum))
      return
    issues.push({ code: 'too_big', origin: 'string', maximum, inclusive: true, input: value })
  })
}
