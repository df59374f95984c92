/** Flattens a schema with `$ref` and `allOf`. The result serves to propose a value, not to judge it. */

import { isObject, sameJson, type Schema, type SchemaLookup } from './check.ts'

/** A longer chain of references is a circle. */
export const REFERENCES_MAX = 32

/** `schema` without `$ref` and `allOf`, as far as they can be resolved through `lookup`. */
export function flatten(schema: Schema, lookup: SchemaLookup): Schema {
  let flat = schema
  for (let round = 0; round < REFERENCES_MAX; round++) {
    const { $ref: reference, allOf, ...rest } = flat
    if (typeof reference !== 'string' && !Array.isArray(allOf)) return flat
    const parts = [
      ...(typeof reference === 'string' ? [lookup[reference]] : []),
      ...(Array.isArray(allOf) ? allOf : []),
    ]
    flat = parts.filter(isObject).reduce(merge, rest)
  }
  return flat
}

/** The schema of the values that satisfy both schemas. */
export function merge(a: Schema, b: Schema): Schema {
  const merged: Schema = { ...a }
  for (const [key, value] of Object.entries(b)) {
    merged[key] = key in a && key !== 'allOf' ? mergeKeyword(key, a[key], value) : value
  }
  const extra = [a['allOf'], b['allOf']].flatMap((parts) => (Array.isArray(parts) ? parts : []))
  for (const key of ['$ref', 'anyOf', 'oneOf', 'not', 'pattern'] as const) {
    if (key in a && key in b && !sameJson(a[key], b[key])) {
      merged[key] = a[key]
      if (key !== 'pattern' && key !== 'not') extra.push({ [key]: b[key] })
    }
  }
  if (extra.length > 0) merged['allOf'] = extra
  return merged
}

function mergeKeyword(key: string, a: unknown, b: unknown): unknown {
  if (typeof a === 'number' && typeof b === 'number') {
    if (key.startsWith('min') || key === 'exclusiveMinimum') return Math.max(a, b)
    if (key.startsWith('max') || key === 'exclusiveMaximum') return Math.min(a, b)
    return key === 'multipleOf' ? a * b : b
  }
  switch (key) {
    case 'properties':
      return mergeProperties(a, b)
    case 'required':
      return [...new Set([...asArray(a), ...asArray(b)])]
    case 'enum':
      return asArray(a).filter((option) => asArray(b).some((other) => sameJson(option, other)))
    case 'type':
      return intersectTypes(asArray(a), asArray(b))
    case 'items':
      return { allOf: [a, b] }
    case 'additionalProperties':
      return a === false || b === false ? false : { allOf: [a, b] }
    default:
      return b
  }
}

function mergeProperties(a: unknown, b: unknown): Schema {
  const merged: Schema = isObject(a) ? { ...a } : {}
  for (const [key, value] of Object.entries(isObject(b) ? b : {})) {
    merged[key] = key in merged ? { allOf: [merged[key], value] } : value
  }
  return merged
}

/** An integer is a number too. */
function intersectTypes(a: unknown[], b: unknown[]): unknown[] {
  const both = a.filter((type) => b.includes(type))
  const integers =
    [a, b].some((types) => types.includes('integer')) && [a, b].every((types) => types.some(isNumeric))
  return integers && !both.includes('integer') ? [...both, 'integer'] : both
}

function isNumeric(type: unknown): boolean {
  return type === 'number' || type === 'integer'
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value]
}
