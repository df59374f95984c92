/** Zod validates the sampled values with its own reading of a JSON schema. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { satisfies } from '../../../../src/local/json-schema/check.ts'
import { fillSchema } from '../../../../src/local/json-schema/fill.ts'

type JsonSchema = Parameters<typeof z.fromJSONSchema>[0]

function expectFilled(schema: JsonSchema): unknown {
  const value = fillSchema(schema)
  const judged = z.fromJSONSchema(schema).safeParse(value)
  expect({ schema, value, issues: judged.error?.issues ?? [] }).toEqual({ schema, value, issues: [] })
  return value
}

describe('fillSchema', () => {
  it.each<[string, JsonSchema, unknown]>([
    [
      'a property by its name',
      { type: 'object', properties: { city: { type: 'string' } } },
      { city: 'city' },
    ],
    ['const', { const: 'only this' }, 'only this'],
    ['the first of an enum', { enum: ['celsius', 'fahrenheit'] }, 'celsius'],
    ['an integer at its minimum', { type: 'integer', minimum: 18, maximum: 20 }, 18],
    ['an integer between exclusive bounds', { type: 'integer', exclusiveMinimum: 7, exclusiveMaximum: 9 }, 8],
    ['a number between close bounds', { type: 'number', exclusiveMinimum: 0.5, exclusiveMaximum: 0.6 }, 0.55],
    ['a multiple', { type: 'integer', minimum: 10, multipleOf: 7 }, 14],
    ['a default', { type: 'string', default: 'metric' }, 'metric'],
    ['the first of several types that is not null', { type: ['null', 'boolean'] }, true],
    ['a value other than null', { anyOf: [{ type: 'null' }, { type: 'integer' }] }, 1],
    ['minItems', { type: 'array', items: { type: 'integer' }, minItems: 3 }, [1, 2, 3]],
    ['maxItems 0', { type: 'array', items: { type: 'integer' }, maxItems: 0 }, []],
    [
      'unique items',
      { type: 'array', items: { enum: ['a', 'b', 'c'] }, minItems: 3, uniqueItems: true },
      ['a', 'b', 'c'],
    ],
    [
      'a tuple',
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'boolean' }], items: false },
      ['value', false],
    ],
    ['lengths', { type: 'string', minLength: 8, maxLength: 8 }, 'valuexxx'],
    [
      'the target of a reference in a schema with an address of its own',
      {
        $id: 'https://schema.example/size',
        $defs: { size: { type: 'integer', minimum: 3 } },
        type: 'object',
        properties: { size: { $ref: '#/$defs/size' } },
      },
      { size: 3 },
    ],
    [
      'an empty object for a closed object without properties',
      { type: 'object', additionalProperties: false },
      {},
    ],
  ])('makes %s', (_, schema, expected) => {
    expect(fillSchema(schema)).toEqual(expected)
  })

  it.each<[string, JsonSchema]>([
    ['date', { type: 'string', format: 'date' }],
    ['date-time', { type: 'string', format: 'date-time' }],
    ['email', { type: 'string', format: 'email' }],
    ['uuid', { type: 'string', format: 'uuid' }],
    ['uri', { type: 'string', format: 'uri' }],
    ['ipv4', { type: 'string', format: 'ipv4' }],
    ['several dates', { type: 'array', items: { type: 'string', format: 'date' }, minItems: 4 }],
    ['pattern', { type: 'string', pattern: '^[A-Z]{3}-\\d{4}(?:-(?:EU|US))?$' }],
    ['pattern and length', { type: 'string', pattern: '^[a-z]+$', minLength: 20 }],
    [
      '$ref',
      {
        $defs: { point: { type: 'integer', minimum: 3 } },
        type: 'object',
        properties: { x: { $ref: '#/$defs/point' } },
        required: ['x'],
      },
    ],
    [
      'allOf',
      {
        allOf: [
          { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
          { type: 'object', properties: { b: { type: 'integer', minimum: 5 } }, required: ['b'] },
        ],
      },
    ],
    [
      'oneOf',
      {
        oneOf: [
          { type: 'object', properties: { kind: { const: 'a' } }, required: ['kind'] },
          { type: 'object', properties: { kind: { const: 'b' } }, required: ['kind'] },
        ],
      },
    ],
    ['required without properties', { type: 'object', required: ['a', 'b'] }],
    ['numbers of every bound', { type: 'number', minimum: -0.5, maximum: -0.25 }],
    ['no type at all', { description: 'anything' }],
  ])('satisfies another validator: %s', (_, schema) => {
    expectFilled(schema)
  })

  it('ends for a recursive schema, by a reference and by a list', () => {
    expectFilled({
      $defs: {
        node: {
          type: 'object',
          properties: {
            name: { type: 'string' },
            next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
            children: { type: 'array', items: { $ref: '#/$defs/node' } },
          },
          required: ['name', 'next', 'children'],
          additionalProperties: false,
        },
      },
      $ref: '#/$defs/node',
    })
  })

  it.each<[string, JsonSchema]>([
    ['itself', { $ref: '#' }],
    [
      'itself, required twice',
      { type: 'object', properties: { a: { $ref: '#' }, b: { $ref: '#' } }, required: ['a', 'b'] },
    ],
    ['a choice of itself', { anyOf: [{ $ref: '#' }, { $ref: '#' }] }],
    ['contradicting bounds', { type: 'integer', minimum: 5, maximum: 4 }],
    ['a reference to nothing', { $ref: '#/$defs/missing' }],
    ['an invalid pattern', { type: 'string', pattern: '([' }],
  ])('makes some value for an unsatisfiable schema: %s', (_, schema) => {
    expect(() => JSON.stringify(fillSchema(schema))).not.toThrow()
  })

  it('satisfies any zod schema, as the SDK’s helpers send them', () => {
    fc.assert(
      fc.property(zodSchema(), (schema) => {
        const json = z.toJSONSchema(schema)
        const value = fillSchema(json)
        const judged = schema.safeParse(value)
        expect({ json, value, issues: judged.error?.issues ?? [] }).toEqual({ json, value, issues: [] })
        expect(satisfies(value, json)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('makes the same value for the same schema', () => {
    const schema = z.toJSONSchema(z.object({ a: z.string(), b: z.array(z.number()).min(2) }))
    expect(fillSchema(schema)).toEqual(fillSchema(schema))
  })
})

/** Satisfiable schemas, nested as in real requests. */
function zodSchema(): fc.Arbitrary<z.ZodType> {
  const scalar = fc.oneof(
    fc.constant(z.string()),
    fc.constant(z.boolean()),
    fc.constant(z.null()),
    fc.constantFrom<z.ZodType[]>(
      z.email(),
      z.uuid(),
      z.url(),
      z.iso.date(),
      z.iso.datetime(),
      z.iso.time(),
      z.ipv4(),
    ),
    fc.constantFrom<z.ZodType[]>(
      z.string().regex(/^\d{3}$/),
      z.string().regex(/^(foo|bar)-\w+$/),
      z.string().startsWith('a.b'),
    ),
    fc.tuple(fc.nat(30), fc.nat(30)).map(([min, more]) =>
      z
        .string()
        .min(min)
        .max(min + more),
    ),
    fc.tuple(fc.integer(), fc.nat(100)).map(([min, more]) =>
      z
        .int()
        .min(min)
        .max(min + more),
    ),
    fc.tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 1, max: 100 })).map(([low, more]) =>
      z
        .number()
        .gt(low)
        .lt(low + more),
    ),
    fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 4 }).map((options) => z.enum(options as [string])),
    fc.oneof(fc.string(), fc.integer(), fc.boolean()).map((value) => z.literal(value)),
  )
  return fc.letrec<{ schema: z.ZodType }>((tie) => ({
    schema: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalar,
      fc
        .dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.tuple(tie('schema'), fc.boolean()), { maxKeys: 4 })
        .map((shape) =>
          z.strictObject(
            Object.fromEntries(
              Object.entries(shape).map(([key, [schema, optional]]) => [
                key,
                optional ? schema.optional() : schema,
              ]),
            ),
          ),
        ),
      fc.tuple(tie('schema'), fc.nat(3)).map(([item, min]) => z.array(item).min(min)),
      fc.array(tie('schema'), { minLength: 2, maxLength: 3 }).map((options) => z.union(options)),
      tie('schema').map((schema) => schema.nullable()),
      fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((items) => z.tuple(items as [z.ZodType])),
      tie('schema').map((schema) => z.record(z.string(), schema)),
    ),
  })).schema
}
