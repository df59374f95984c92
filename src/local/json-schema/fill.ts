/** Makes a value that satisfies a JSON schema. It proposes candidates, best first, and takes the first valid one. */

import { isObject, lookupOf, satisfies, type Schema, type SchemaLookup } from './check.ts'
import { flatten, merge } from './merge.ts'
import { proposeNumbers, proposeStrings } from './scalars.ts'

/** The bound on visited schemas; the rest is null. A recursive schema with many properties would grow without end. */
export const STEPS_MAX = 20_000

/** Optional values are left out from this depth on, so that a recursive schema ends. */
export const OPTIONAL_DEPTH = 4

/** A deeper value is null. */
export const DEPTH_MAX = 48

export const ARRAY_ITEMS_MAX = 1_000

/** A value's position. Its text is made of `name`, and `ordinal` makes it differ from its siblings in an array. */
interface Position {
  readonly name: string
  readonly depth: number
  readonly ordinal: number
}

interface FillState {
  readonly lookup: SchemaLookup
  /** The depth to which optional properties and items are filled. */
  readonly optionalDepth: number
  stepsLeft: number
}

/** A text without constraints is `name`. An unsatisfiable schema gets the first candidate. */
export function fillSchema(schema: unknown, name = 'value'): unknown {
  const lookup = lookupOf(schema)
  let value: unknown = null
  for (const optionalDepth of [OPTIONAL_DEPTH, 1, 0]) {
    value = fill(schema, { name, depth: 0, ordinal: 0 }, { lookup, optionalDepth, stepsLeft: STEPS_MAX })
    if (satisfies(value, schema, lookup)) break
  }
  return value
}

function fill(schema: unknown, position: Position, state: FillState): unknown {
  if (schema === false || position.depth > DEPTH_MAX || state.stepsLeft-- <= 0) return null
  const flat = isObject(schema) ? flatten(schema, state.lookup) : {}
  let fallback: unknown = null
  let isFirst = true
  for (const candidate of propose(flat, position, state)) {
    if (satisfies(candidate, schema, state.lookup)) return candidate
    if (isFirst) fallback = candidate
    isFirst = false
  }
  return fallback
}

function* propose(schema: Schema, position: Position, state: FillState): Generator {
  if ('const' in schema) yield schema['const']
  if (Array.isArray(schema['enum'])) yield* rotate(schema['enum'], position.ordinal)
  if ('default' in schema) yield schema['default']
  if (Array.isArray(schema['examples'])) yield* rotate(schema['examples'], position.ordinal)
  if ('if' in schema) yield* proposeConditional(schema, position, state)
  for (const keyword of ['anyOf', 'oneOf'] as const) {
    const { [keyword]: branches, ...rest } = schema
    if (!Array.isArray(branches)) continue
    for (const branch of simplestFirst(branches, position, state)) {
      if (isObject(branch)) yield fill(merge(rest, branch), deeper(position), state)
      if (branch === true) yield fill(rest, deeper(position), state)
    }
  }
  for (const type of simplestFirst(typesOf(schema), position, state))
    yield* proposeType(type, schema, position, state)
}

function* proposeConditional(schema: Schema, position: Position, state: FillState): Generator {
  const { if: condition, then: consequence, else: alternative, ...rest } = schema
  const both = [condition, consequence].filter(isObject).reduce(merge, rest)
  yield fill(both, deeper(position), state)
  yield fill(isObject(alternative) ? merge(rest, alternative) : rest, deeper(position), state)
}

function* proposeType(type: unknown, schema: Schema, position: Position, state: FillState): Generator {
  switch (type) {
    case 'object':
      yield* proposeObjects(schema, position, state)
      break
    case 'array':
      yield fillArray(schema, position, state)
      break
    case 'string':
      yield* proposeStrings(schema, position.name, position.ordinal)
      break
    case 'number':
    case 'integer':
      yield* proposeNumbers(schema, type === 'integer', position.ordinal)
      break
    case 'boolean':
      yield* rotate([true, false], position.ordinal)
      break
    default:
      yield null
  }
}

/** Proposes every property, then the required ones and as many more as `minProperties` needs. */
function* proposeObjects(schema: Schema, position: Position, state: FillState): Generator {
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
        return [
          key,
          fill(subSchema, { name: key, depth: position.depth + 1, ordinal: position.ordinal }, state),
        ]
      }),
    )
  const countMax = typeof schema['maxProperties'] === 'number' ? schema['maxProperties'] : Infinity
  if (position.depth < state.optionalDepth) yield fillKeys([...required, ...optional].slice(0, countMax))
  const countMin =
    typeof schema['minProperties'] === 'number' ? Math.min(schema['minProperties'], ARRAY_ITEMS_MAX) : 0
  const keys = [...required, ...optional.slice(0, Math.max(0, countMin - required.length))]
  for (let made = 1; keys.length < countMin; made++) keys.push(`property${made}`)
  yield fillKeys(keys)
}

function fillArray(schema: Schema, position: Position, state: FillState): unknown[] {
  const tuple = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : []
  const { minItems, maxItems, items, contains } = schema
  const wanted = Math.max(
    typeof minItems === 'number' ? minItems : 0,
    tuple.length,
    contains !== undefined || (position.depth < state.optionalDepth && items !== false && tuple.length === 0)
      ? 1
      : 0,
  )
  const count = Math.min(wanted, typeof maxItems === 'number' ? maxItems : ARRAY_ITEMS_MAX, ARRAY_ITEMS_MAX)
  return Array.from({ length: count }, (_, index) => {
    const isContained = contains !== undefined && index === count - 1 && index >= tuple.length
    const itemSchema = index < tuple.length ? tuple[index] : items
    const subSchema = isContained ? { allOf: [itemSchema ?? true, contains] } : itemSchema
    return fill(subSchema, { name: position.name, depth: position.depth + 1, ordinal: index }, state)
  })
}

/** The schema's types or, without `type`, the type that its other keywords constrain. */
function typesOf(schema: Schema): unknown[] {
  if (Array.isArray(schema['type'])) return schema['type']
  if (schema['type'] !== undefined) return [schema['type']]
  const has = (...keywords: string[]) => keywords.some((keyword) => keyword in schema)
  if (has('properties', 'required', 'additionalProperties', 'minProperties')) return ['object']
  if (has('items', 'prefixItems', 'minItems', 'contains')) return ['array']
  if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf')) return ['number']
  return ['string', 'number', 'object', 'array', 'boolean', 'null']
}

/** Null comes last. From the optional depth on it comes first, so that a recursive schema ends. */
function simplestFirst(options: unknown[], position: Position, state: FillState): unknown[] {
  const nulls = options.filter(isNull)
  const others = options.filter((option) => !isNull(option))
  if (position.depth < state.optionalDepth) return [...others, ...nulls]
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

function deeper(position: Position): Position {
  return { ...position, depth: position.depth + 1 }
}
