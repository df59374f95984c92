/** Whether a value satisfies a JSON schema: the keywords that say something about values, without their messages. */

export type Schema = Record<string, unknown>

/** A chain of references longer than this is a circle. */
export const REFERENCES_MAX = 32

/** A schema nested deeper than this counts as satisfied: it is one that contains itself and nothing else. */
const DEPTH_MAX = 200

export function satisfies(value: unknown, schema: unknown, root: unknown = schema, depth = 0): boolean {
  if (typeof schema === 'boolean') return schema
  if (!isObject(schema) || depth > DEPTH_MAX) return true
  const fits = (subValue: unknown, subSchema: unknown) => satisfies(subValue, subSchema, root, depth + 1)
  return (
    (typeof schema['$ref'] !== 'string' || fits(value, resolveReference(schema['$ref'], root))) &&
    fitsType(value, schema['type']) &&
    (!('const' in schema) || sameJson(value, schema['const'])) &&
    (!Array.isArray(schema['enum']) || schema['enum'].some((option) => sameJson(value, option))) &&
    (typeof value !== 'number' || fitsNumber(value, schema)) &&
    (typeof value !== 'string' || fitsString(value, schema)) &&
    (!Array.isArray(value) || fitsArray(value, schema, fits)) &&
    (!isObject(value) || fitsObject(value, schema, fits)) &&
    fitsCombination(value, schema, fits)
  )
}

/** What `#`, `#/$defs/…` points at within `root`; undefined, which allows anything, for any other address. */
export function resolveReference(reference: string, root: unknown): unknown {
  if (!reference.startsWith('#')) return undefined
  let target = root
  for (const part of reference.slice(1).split('/').slice(1)) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    target = isObject(target) ? target[key] : Array.isArray(target) ? target[Number(key)] : undefined
  }
  return target
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function sameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => sameJson(item, b[index]))
  }
  if (!isObject(a) || !isObject(b)) return a === b
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && sameJson(a[key], b[key]))
}

type Fits = (value: unknown, schema: unknown) => boolean

function fitsType(value: unknown, type: unknown): boolean {
  if (Array.isArray(type)) return type.some((one) => fitsType(value, one))
  switch (type) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isObject(value)
    case 'integer':
      return Number.isInteger(value)
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type
    default:
      return true
  }
}

function fitsNumber(value: number, schema: Schema): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  if (typeof minimum === 'number' && value < minimum) return false
  if (typeof maximum === 'number' && value > maximum) return false
  if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum) return false
  if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum) return false
  if (typeof multipleOf !== 'number') return true
  const quotient = value / multipleOf
  return Math.abs(quotient - Math.round(quotient)) < 1e-9
}

function fitsString(value: string, schema: Schema): boolean {
  const length = Array.from(value).length
  if (!isWithin(length, schema['minLength'], schema['maxLength'])) return false
  return typeof schema['pattern'] !== 'string' || matches(value, schema['pattern'])
}

/** A pattern that is no regular expression here cannot be held against a value. */
function matches(value: string, pattern: string): boolean {
  for (const flags of ['u', '']) {
    try {
      return new RegExp(pattern, flags).test(value)
    } catch {
      continue
    }
  }
  return true
}

function fitsArray(value: unknown[], schema: Schema, fits: Fits): boolean {
  const tuple = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : []
  const { items, contains } = schema
  if (!isWithin(value.length, schema['minItems'], schema['maxItems'])) return false
  if (!value.every((item, index) => fits(item, index < tuple.length ? tuple[index] : items))) return false
  if (contains !== undefined && !value.some((item) => fits(item, contains))) return false
  if (schema['uniqueItems'] !== true) return true
  return value.every((item, index) => !value.slice(0, index).some((earlier) => sameJson(item, earlier)))
}

function fitsObject(value: Record<string, unknown>, schema: Schema, fits: Fits): boolean {
  const keys = Object.keys(value)
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const patterns = isObject(schema['patternProperties']) ? Object.entries(schema['patternProperties']) : []
  const dependent = isObject(schema['dependentRequired']) ? Object.entries(schema['dependentRequired']) : []
  const hasAll = (names: unknown) =>
    !Array.isArray(names) || names.every((name) => typeof name !== 'string' || name in value)
  return (
    isWithin(keys.length, schema['minProperties'], schema['maxProperties']) &&
    hasAll(schema['required']) &&
    dependent.every(([key, names]) => !(key in value) || hasAll(names)) &&
    keys.every((key) => {
      const named = key in properties
      const applicable = patterns
        .filter(([pattern]) => matches(key, pattern))
        .map(([, subSchema]) => subSchema)
      if (named) applicable.push(properties[key])
      if (applicable.length === 0) applicable.push(schema['additionalProperties'])
      return (
        fits(key, schema['propertyNames']) && applicable.every((subSchema) => fits(value[key], subSchema))
      )
    })
  )
}

function fitsCombination(value: unknown, schema: Schema, fits: Fits): boolean {
  const { allOf, anyOf, oneOf, not } = schema
  if (Array.isArray(allOf) && !allOf.every((branch) => fits(value, branch))) return false
  if (Array.isArray(anyOf) && !anyOf.some((branch) => fits(value, branch))) return false
  if (Array.isArray(oneOf) && oneOf.filter((branch) => fits(value, branch)).length !== 1) return false
  if (not !== undefined && fits(value, not)) return false
  if (schema['if'] === undefined) return true
  return fits(value, fits(value, schema['if']) ? schema['then'] : schema['else'])
}

function isWithin(count: number, min: unknown, max: unknown): boolean {
  return !(typeof min === 'number' && count < min) && !(typeof max === 'number' && count > max)
}
