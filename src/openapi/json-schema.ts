/** JSON Schemas of the zod schemas that validate, and of those that describe answers. */
import * as z from 'zod/mini'
import { field } from '../wire/field.ts'
import { isoTimestamp } from '../wire/iso-timestamp.ts'

/** A schema of JSON Schema 2020-12, which OpenAPI 3.1 uses. */
export interface JsonSchema {
  [keyword: string]: unknown
  description?: string
  properties?: Record<string, JsonSchema>
}

/**
 * The JSON Schema of what a zod schema accepts. The gateway's own checks have no counterpart that zod could find, so the
 * schemas of `integer` and `isoTimestamp` are recognised here.
 */
export function jsonSchemaOf(schema: z.ZodMiniType): JsonSchema {
  const { $schema: _dialect, ...found } = z.toJSONSchema(schema, {
    io: 'input',
    override({ zodSchema, jsonSchema }) {
      if (zodSchema === isoTimestamp) jsonSchema.format = 'date-time'
      // The format says it in a word, and the pattern in two hundred characters.
      if (jsonSchema.format?.startsWith('date') === true) delete jsonSchema.pattern
      if (jsonSchema.type === 'number' && refusesFractions(zodSchema, jsonSchema.minimum)) {
        jsonSchema.type = 'integer'
      }
      if (Math.abs(jsonSchema.minimum ?? 0) >= Number.MAX_SAFE_INTEGER) delete jsonSchema.minimum
      if (Math.abs(jsonSchema.maximum ?? 0) >= Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
    },
  })
  // A description is JSON, so keys without a value and zod's own symbols go.
  return parsed(JSON.stringify(found))
}

function refusesFractions(schema: z.core.$ZodType, minimum = 0): boolean {
  return !z.safeParse(schema, (Number.isFinite(minimum) ? minimum : 0) + 0.5).success
}

/** The schema with descriptions of its properties. @throws Error for a property that it does not have. */
export function withDescriptions(schema: JsonSchema, texts: Readonly<Record<string, string>>): JsonSchema {
  const properties = { ...schema.properties }
  for (const [name, description] of Object.entries(texts)) {
    const property = properties[name]
    if (property === undefined) throw new Error(`a schema has no property ${name} that could be described`)
    properties[name] = { ...property, description }
  }
  return { ...schema, properties }
}

/** The schema with references in the place of inner schemas that equal one of `named`. */
export function withReferences(schema: JsonSchema, named: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const names = new Map(Object.entries(named).map(([name, other]) => [JSON.stringify(other), name]))
  // It visits a schema before the schemas within, and the schema itself has no key.
  const replaced = JSON.stringify(schema, (key, inner: unknown) => {
    const name = key === '' ? undefined : names.get(JSON.stringify(inner))
    return name === undefined ? inner : schemaReference(name)
  })
  return parsed(replaced)
}

export function schemaReference(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` }
}

/** The schema at a path within another one. @throws Error where there is none. */
export function schemaAt(schema: JsonSchema, ...path: readonly string[]): JsonSchema {
  const found = path.reduce<unknown>(field, schema)
  if (found === undefined) throw new Error(`no schema at ${path.join('.')}`)
  return parsed(JSON.stringify(found))
}

function parsed(text: string): JsonSchema {
  const schema: JsonSchema = JSON.parse(text)
  return schema
}
