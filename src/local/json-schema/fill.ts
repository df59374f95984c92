/** Makes a value that satisfies a JSON schema: proposes candidates, best first, and takes the first that passes. */

import { isObject, lookupOf, satisfies, type Schema, type SchemaLookup } from './check.ts'
import { flatten, merge } from './merge.ts'
import { proposeNumbers, proposeStrings } from './scalars.ts'

/** Schemas visited before the rest is filled with null: a wide schema that contains itself grows without end. */
export const STEPS_MAX = 20_000

/** From this depth on only what is required is filled, so that a schema that contains itself comes to an end. */
export const GENEROUS_DEPTH = 4

/** Deeper than this is null. */
export const DEPTH_MAX = 48

export const ARRAY_ITEMS_MAX = 1_000

/** Where a value stands: `name` gives it a telling text, `ordinal` tells it from its siblings in an array. */
interface Place {
  readonly name: string
  readonly depth: number
  readonly ordinal: number
}

interface Filler {
  readonly lookup: SchemaLookup
  /** How deep optional properties and items are filled. */
  readonly generousDepth: number
  stepsLeft: number
}

/** `name` is used in texts that the schema leaves open. An unsatisfiable schema gets a value that comes near. */
export function fillSchema(schema: unknown, name = 'value'): unknown {
  const lookup = lookupOf(schema)
  let value: unknown = null
  for (const generousDepth of [GENEROUS_DEPTH, 1, 0]) {
    value = fill(schema, { name, depth: 0, ordinal: 0 }, { lookup, generousDepth, stepsLeft: STEPS_MAX })
    if (satisfies(value, schema, lookup)) break
  }
  return value
}

function fill(schema: unknown, place: Place, filler: Filler): unknown {
  if (schema === false || place.depth > DEPTH_MAX || filler.stepsLeft-- <= 0) return null
  const flat = isObject(schema) ? flatten(schema, filler.lookup) : {}
  let nearest: unknown = null
  let isFirst = true
  for (const candidate of propose(flat, place, filler)) {
    if (satisfies(candidate, schema, filler.lookup)) return candidate
    if (isFirst) nearest = candidate
    isFirst = false
  }
  return nearest
}

function* propose(schema: Schema, place: Place, filler: Filler): Generator {
  if ('const' in schema) yield schema['const']
  if (Array.isArray(schema['enum'])) yield* rotate(schema['enum'], place.ordinal)
  if ('default' in schema) yield schema['default']
  if (Array.isArray(schema['examples'])) yield* rotate(schema['examples'], place.ordinal)
  if ('if' in schema) yield* proposeConditional(schema, place, filler)
  for (const keyword of ['anyOf', 'oneOf'] as const) {
    const { [keyword]: branches, ...rest } = schema
    if (!Array.isArray(branches)) continue
    for (const branch of simplestFirst(branches, place, filler)) {
      if (isObject(branch)) yield fill(merge(rest, branch), deeper(place), filler)
      if (branch === true) yield fill(rest, deeper(place), filler)
    }
  }
  for (const type of simplestFirst(typesOf(schema), place, filler))
    yield* proposeType(type, schema, place, filler)
}

function* proposeConditional(schema: Schema, place: Place, filler: Filler): Generator {
  const { if: condition, then: consequence, else: alternative, ...rest } = schema
  const both = [condition, consequence].filter(isObject).reduce(merge, rest)
  yield fill(both, deeper(place), filler)
  yield fill(isObject(alternative) ? merge(rest, alternative) : rest, deeper(place), filler)
}

function* proposeType(type: unknown, schema: Schema, place: Place, filler: Filler): Generator {
  switch (type) {
    case 'object':
      yield* proposeObjects(schema, place, filler)
      break
    case 'array':
      yield fillArray(schema, place, filler)
      break
    case 'string':
      yield* proposeStrings(schema, place.name, place.ordinal)
      break
    case 'number':
    case 'integer':
      yield* proposeNumbers(schema, type === 'integer', place.ordinal)
      break
    case 'boolean':
      yield* rotate([true, false], place.ordinal)
      break
    default:
      yield null
  }
}

/** With every property, then with the required ones and a few more where a number of them is demanded. */
function* proposeObjects(schema: Schema, place: Place, filler: Filler): Generator {
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const required = Array.isArray(schema['required'])
    ? schema['required'].filter((key) => typeof key === 'string')
    : []
  const optional = Object.keys(properties).filter(
    (key) => properties[key] !== false && !required.includes(key),
  )
  const fillKeys = (keys: readonly string[]) =>
    Object.fromEntries(
      keys.map((key) => {
        const subSchema = key in properties ? properties[key] : schema['additionalProperties']
        return [key, fill(subSchema, { name: key, depth: place.depth + 1, ordinal: place.ordinal }, filler)]
      }),
    )
  const most = typeof schema['maxProperties'] === 'number' ? schema['maxProperties'] : Infinity
  if (place.depth < filler.generousDepth) yield fillKeys([...required, ...optional].slice(0, most))
  const least =
    typeof schema['minProperties'] === 'number' ? Math.min(schema['minProperties'], ARRAY_ITEMS_MAX) : 0
  const keys = [...required, ...optional.slice(0, Math.max(0, least - required.length))]
  for (let made = 1; keys.length < least; made++) keys.push(`property${made}`)
  yield fillKeys(keys)
}

function fillArray(schema: Schema, place: Place, filler: Filler): unknown[] {
  const tuple = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : []
  const { minItems, maxItems, items, contains } = schema
  const wanted = Math.max(
    typeof minItems === 'number' ? minItems : 0,
    tuple.length,
    contains !== undefined || (place.depth < filler.generousDepth && items !== false && tuple.length === 0)
      ? 1
      : 0,
  )
  const count = Math.min(wanted, typeof maxItems === 'number' ? maxItems : ARRAY_ITEMS_MAX, ARRAY_ITEMS_MAX)
  return Array.from({ length: count }, (_, index) => {
    const isWitness = contains !== undefined && index === count - 1 && index >= tuple.length
    const itemSchema = index < tuple.length ? tuple[index] : items
    const subSchema = isWitness ? { allOf: [itemSchema ?? true, contains] } : itemSchema
    return fill(subSchema, { name: place.name, depth: place.depth + 1, ordinal: index }, filler)
  })
}

/** The types that the schema names, or the one that its other keywords are about. */
function typesOf(schema: Schema): unknown[] {
  if (Array.isArray(schema['type'])) return schema['type']
  if (schema['type'] !== undefined) return [schema['type']]
  const has = (...keywords: string[]) => keywords.some((keyword) => keyword in schema)
  if (has('properties', 'required', 'additionalProperties', 'minProperties')) return ['object']
  if (has('items', 'prefixItems', 'minItems', 'contains')) return ['array']
  if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf')) return ['number']
  return ['string', 'number', 'object', 'array', 'boolean', 'null']
}

/** Something rather than null; but deep down null first, so that what contains itself ends. */
function simplestFirst(options: unknown[], place: Place, filler: Filler): unknown[] {
  const nulls = options.filter(isNull)
  const others = options.filter((option) => !isNull(option))
  if (place.depth < filler.generousDepth) return [...others, ...nulls]
  return [...nulls, ...others.filter((option) => !isBranching(option)), ...others.filter(isBranching)]
}

function isNull(option: unknown): boolean {
  return option === 'null' || (isObject(option) && option['type'] === 'null')
}

function isBranching(option: unknown): boolean {
  return isObject(option) && ('$ref' in option || 'properties' in option)
}

function rotate(options: unknown[], by: number): unknown[] {
  const start = options.length === 0 ? 0 : by % options.length
  return [...options.slice(start), ...options.slice(0, start)]
}

function deeper(place: Place): Place {
  return { ...place, depth: place.depth + 1 }
}
