/** Every property of the vendor's chat schema is translated or refused by name. */
import { describe, expect, it } from 'vitest'
import { chatOverResponses } from '../../../../src/upstream/translate/translation.ts'
import { pathOf } from '../../../../src/wire/parameter-text.ts'
import type { Definitions, JsonSchema } from '../../../support/arbitrary-from-schema.ts'
import vendor from '../../../support/fixtures/openai-chat.schema.json'
import { type Request, wire } from './sources.ts'

/** A value of a schema, and the place within it that this value is about. */
interface Case {
  value: unknown
  path: (string | number)[]
}

const definitions: Definitions = vendor.$defs
const UNKNOWN = 'x-unknown'

/** Values that ask for what happens anyway. Their translation is that of a body without them. */
const WITHOUT_EFFECT = new Set([
  'logprobs=false',
  // An absent `store` is false in chat completions.
  'store=false',
  'tools[0].function.strict=false',
  'modalities[0]="text"',
  // Responses always report the usage. Only the translated stream leaves it out.
  'stream_options.include_usage=true',
  'stream_options.include_usage=false',
  'stream_options.include_obfuscation=true',
])

const cases = casesOf({ $ref: '#/$defs/CreateChatCompletionRequest' })
const named = cases.map(({ value, path }) => ({
  body: value as Request,
  path,
  name: `${pathOf(path)}=${JSON.stringify(at(value, path))}`,
}))

describe('a chat request for a model that takes only Responses', () => {
  it('has a case for each property of the schema, at every level', () => {
    const names = named.map(({ name }) => name)
    expect(names.length).toBeGreaterThan(200)
    for (const some of [
      'messages[0].content[0].image_url.detail="low"',
      'n=7',
      'moderation.policy.input.mode="block"',
    ]) {
      expect(names).toContain(some)
    }
  })

  it.each(named)('translates or refuses $name', ({ body, path, name }) => {
    const result = chatOverResponses.request(body, null)
    if (!result.translated) {
      const { param, code, message } = result.failure
      expect(isAbout(param ?? '', path), `${param} for ${pathOf(path)}`).toBe(true)
      expect(code).toBe('unsupported_parameter')
      expect(message).toBe(`Unsupported parameter: '${param}' is not supported with this model.`)
      return
    }
    const without = chatOverResponses.request(removed(body, path) as Request, null)
    const isWithoutEffect = without.translated && same(without.inputs, result.inputs)
    expect(isWithoutEffect).toBe(WITHOUT_EFFECT.has(name))
  })
})

/** Whether a refusal is about this place: it names the place, one around it, or the type or the role of one around it. */
function isAbout(param: string, path: readonly (string | number)[]): boolean {
  for (let length = 1; length <= path.length; length++) {
    const around = pathOf(path.slice(0, length)) ?? ''
    if (param === around || param === `${around}.type` || param === `${around}.role`) return true
  }
  return false
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1))
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]))
}

/** One case for each value of each property, in an object that has no other property but the required ones. */
function casesOf(schema: JsonSchema): Case[] {
  if (schema.$ref !== undefined) return casesOf(definitions[schema.$ref.slice('#/$defs/'.length)] ?? {})
  if (schema.enum !== undefined) return schema.enum.map((value) => ({ value, path: [] }))
  const branches = schema.anyOf ?? schema.oneOf
  if (branches !== undefined) return branches.flatMap(casesOf)
  if (schema.allOf !== undefined) return objectCases(merged(schema))
  switch (schema.type) {
    case 'object':
      return objectCases(schema)
    case 'array':
      return casesOf(schema.items ?? {}).map(({ value, path }) => ({ value: [value], path: [0, ...path] }))
    case 'boolean':
      return [true, false].map((value) => ({ value, path: [] }))
    case 'integer':
    case 'number':
      return [{ value: Math.min(schema.maximum ?? 7, 7), path: [] }]
    case 'string':
      return [{ value: 'x', path: [] }]
    // Null stands for absent.
    case 'null':
    case undefined:
    default:
      return []
  }
}

function objectCases(schema: JsonSchema): Case[] {
  const properties = Object.entries(schema.properties ?? {})
  // Free objects are JSON schemas and the tools of a choice.
  if (properties.length === 0) return [{ value: { type: 'function', function: { name: 'x' } }, path: [] }]
  const required = schema.required ?? []
  const base = Object.fromEntries(
    properties
      .filter(([name]) => required.includes(name))
      .map(([name, property = {}]) => [name, casesOf(property)[0]?.value]),
  )
  const cases = properties.flatMap(([name, property = {}]) =>
    casesOf(property).map(({ value, path }) => ({
      value: { ...base, [name]: value },
      path: [name, ...path],
    })),
  )
  return [...cases, { value: { ...base, [UNKNOWN]: 'x' }, path: [UNKNOWN] }]
}

function merged(schema: JsonSchema): JsonSchema {
  const resolved =
    schema.$ref === undefined ? schema : (definitions[schema.$ref.slice('#/$defs/'.length)] ?? {})
  const parts = (resolved.allOf ?? []).map(merged)
  return {
    type: 'object',
    properties: Object.assign({}, ...parts.map((part) => part.properties), resolved.properties),
    required: [...parts.flatMap((part) => part.required ?? []), ...(resolved.required ?? [])],
  }
}

function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce((inner: unknown, step) => (inner as Record<string | number, unknown>)[step], value)
}

function removed(value: unknown, path: readonly (string | number)[]): unknown {
  const copy = wire(value)
  const holder = at(copy, path.slice(0, -1))
  const last = path.at(-1) ?? ''
  if (Array.isArray(holder)) holder.splice(Number(last), 1)
  else Reflect.deleteProperty(holder as object, last)
  return copy
}
