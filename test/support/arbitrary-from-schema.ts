/** Generates valid values of a JSON schema for property tests. Supports the keywords of OpenAI's published schema. */
import * as fc from 'fast-check'

export interface JsonSchema {
  $ref?: string
  type?: string
  enum?: readonly unknown[]
  anyOf?: readonly JsonSchema[]
  oneOf?: readonly JsonSchema[]
  allOf?: readonly JsonSchema[]
  properties?: Readonly<Record<string, JsonSchema | undefined>>
  required?: readonly string[]
  additionalProperties?: boolean | JsonSchema
  items?: JsonSchema
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  maxLength?: number
  format?: string
}

export type Definitions = Readonly<Record<string, JsonSchema | undefined>>

/** Bounds for schemas without an upper bound. */
const ITEMS_MAX = 3
const CHARACTERS_MAX = 80

/** Treats `anyOf` as exclusive, like `oneOf`. This holds if each choice has its own `type` or tag. */
export function arbitraryFromSchema(schema: JsonSchema, definitions: Definitions): fc.Arbitrary<unknown> {
  const known = new Map<string, fc.Arbitrary<unknown>>()

  function arbitrary(of: JsonSchema): fc.Arbitrary<unknown> {
    if (of.$ref !== undefined) return referred(of.$ref)
    if (of.enum !== undefined) return fc.constantFrom(...of.enum)
    const choices = of.anyOf ?? of.oneOf
    if (choices !== undefined) return fc.oneof(...choices.map(arbitrary))
    if (of.allOf !== undefined) return object(propertiesOf(of, definitions), of)
    switch (of.type) {
      case 'object':
        return object(propertiesOf(of, definitions), of)
      case 'array':
        return array(of)
      case 'string':
        return string(of)
      case 'integer':
        return integer(of)
      case 'number':
        return fc.double({
          min: of.minimum ?? -Number.MAX_VALUE,
          max: of.maximum ?? Number.MAX_VALUE,
          noNaN: true,
        })
      case 'boolean':
        return fc.boolean()
      case 'null':
        return fc.constant(null)
      case undefined:
      default:
        return fc.jsonValue()
    }
  }

  function referred(ref: string): fc.Arbitrary<unknown> {
    const found = known.get(ref) ?? arbitrary(resolve(ref, definitions))
    known.set(ref, found)
    return found
  }

  function object(properties: Map<string, Property>, of: JsonSchema): fc.Arbitrary<unknown> {
    const model: Record<string, fc.Arbitrary<unknown>> = {}
    for (const [name, { schemas }] of properties) {
      const [first = {}, ...others] = schemas
      const one = arbitrary(first)
      model[name] =
        others.length === 0
          ? one
          : one.filter((value) => others.every((other) => fits(value, other, definitions)))
    }
    const requiredKeys = [...properties].filter(([, { required }]) => required).map(([name]) => name)
    const named = fc.record(model, { requiredKeys })
    if (of.additionalProperties === false) return named
    const free =
      typeof of.additionalProperties === 'object' ? arbitrary(of.additionalProperties) : fc.jsonValue()
    const others = fc.dictionary(
      properties.size === 0 ? fc.string() : fc.string().map((name) => `x-${name}`),
      free,
      { maxKeys: ITEMS_MAX },
    )
    return fc.tuple(others, named).map(([unknown, all]) => ({ ...unknown, ...all }))
  }

  function array({ items = {}, minItems = 0, maxItems }: JsonSchema): fc.Arbitrary<unknown> {
    const maxLength = Math.min(maxItems ?? Infinity, Math.max(ITEMS_MAX, minItems))
    return fc.array(arbitrary(items), { minLength: minItems, maxLength })
  }

  return arbitrary(schema)
}

/** Returns whether a value is valid in a schema. */
export function fits(value: unknown, schema: JsonSchema, definitions: Definitions): boolean {
  const all = (of: JsonSchema): boolean => fits(value, of, definitions)
  if (schema.$ref !== undefined) return all(resolve(schema.$ref, definitions))
  if (schema.allOf !== undefined && !schema.allOf.every(all)) return false
  if (schema.anyOf !== undefined && !schema.anyOf.some(all)) return false
  if (schema.oneOf !== undefined && schema.oneOf.filter(all).length !== 1) return false
  if (schema.enum !== undefined && !schema.enum.includes(value)) return false
  switch (schema.type) {
    case 'string':
      return typeof value === 'string' && Array.from(value).length <= (schema.maxLength ?? Infinity)
    case 'integer':
      return Number.isInteger(value) && inRange(value, schema)
    case 'number':
      return typeof value === 'number' && inRange(value, schema)
    case 'boolean':
      return typeof value === 'boolean'
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value) && arrayFits(value, schema, definitions)
    case 'object':
      return isObject(value) && objectFits(value, schema, definitions)
    case undefined:
    default:
      return true
  }
}

interface Property {
  schemas: JsonSchema[]
  required: boolean
}

/** Collects the properties of an object schema and its `allOf`. A property may have several schemas. */
function propertiesOf(
  schema: JsonSchema,
  definitions: Definitions,
  into = new Map<string, Property>(),
): Map<string, Property> {
  if (schema.$ref !== undefined) return propertiesOf(resolve(schema.$ref, definitions), definitions, into)
  for (const part of schema.allOf ?? []) propertiesOf(part, definitions, into)
  for (const [name, property = {}] of Object.entries(schema.properties ?? {})) {
    const { schemas, required } = into.get(name) ?? { schemas: [], required: false }
    into.set(name, {
      schemas: [...schemas, property],
      required: required || (schema.required ?? []).includes(name),
    })
  }
  return into
}

function resolve(ref: string, definitions: Definitions): JsonSchema {
  const found = definitions[ref.slice('#/$defs/'.length)]
  if (found === undefined) throw new Error(`the schema has no definition ${ref}`)
  return found
}

function string({ maxLength = CHARACTERS_MAX, format }: JsonSchema): fc.Arbitrary<string> {
  if (format === 'uri') return fc.webUrl()
  return fc.oneof(
    fc.string({ maxLength }),
    fc.string({ unit: 'binary', maxLength }),
    fc.constantFrom('', '😀'.repeat(maxLength), 'é'.repeat(maxLength)),
  )
}

function integer({ minimum = -1e21, maximum = 1e21 }: JsonSchema): fc.Arbitrary<number> {
  const edges = [minimum, maximum, Math.max(minimum, -1), Math.min(maximum, 2 ** 53)]
  const any = fc.double({ min: minimum, max: maximum, noNaN: true }).map(Math.trunc)
  return fc.oneof(any, fc.constantFrom(...edges))
}

function inRange(value: unknown, { minimum = -Infinity, maximum = Infinity }: JsonSchema): boolean {
  return typeof value === 'number' && minimum <= value && value <= maximum
}

function arrayFits(value: readonly unknown[], schema: JsonSchema, definitions: Definitions): boolean {
  const { items = {}, minItems = 0, maxItems = Infinity } = schema
  return (
    minItems <= value.length &&
    value.length <= maxItems &&
    value.every((item) => fits(item, items, definitions))
  )
}

function objectFits(value: Record<string, unknown>, schema: JsonSchema, definitions: Definitions): boolean {
  if (!(schema.required ?? []).every((name) => Object.hasOwn(value, name))) return false
  return Object.entries(value).every(([name, property]) => {
    const own = schema.properties?.[name]
    if (own !== undefined) return fits(property, own, definitions)
    if (typeof schema.additionalProperties === 'object')
      return fits(property, schema.additionalProperties, definitions)
    return schema.additionalProperties !== false
  })
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
