/** Tells whether a value satisfies a JSON schema. The package `@cfworker/json-schema` judges, without `eval`, as Workers need. */

import { deepCompareStrict, dereference, validate } from '@cfworker/json-schema'

export type Schema = Record<string, unknown>

/** The schemas within a root schema, by address: `#` for the root, `#/$defs/…` for the others. */
export type SchemaLookup = Readonly<Record<string, Schema | boolean>>

/**
 * True also for a schema that cannot be judged: it refers to nothing or only to itself, or its pattern is no regular
 * expression. `lookup` has the targets of its references.
 */
export function satisfies(value: unknown, schema: unknown, lookup: SchemaLookup = lookupOf(schema)): boolean {
  if (typeof schema === 'boolean') return schema
  if (!isObject(schema)) return true
  try {
    return validate(value, schema, '2020-12', lookup).valid
  } catch {
    return true
  }
}

/** Empty for a schema that cannot be read. The package adds hidden fields to the schemas. */
export function lookupOf(root: unknown): SchemaLookup {
  if (!isObject(root)) return {}
  try {
    const lookup = dereference(root)
    // The root comes first. Its address is its `$id` or, without one, the package's own.
    const [rootAddress = ''] = Object.keys(lookup)
    // A merged schema has no hidden fields, so its references are looked up as they are written.
    for (const [address, schema] of Object.entries(lookup)) {
      if (address.startsWith(rootAddress)) lookup[address.slice(rootAddress.length) || '#'] = schema
    }
    return lookup
  } catch {
    return {}
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function sameJson(a: unknown, b: unknown): boolean {
  return deepCompareStrict(a, b)
}
