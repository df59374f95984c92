import { describe, expect, it } from 'vitest'
import { satisfies } from '../../../../src/local/json-schema/check.ts'

describe('satisfies', () => {
  it.each<[unknown, Record<string, unknown>, boolean]>([
    [1, { type: 'string' }, false],
    [1.5, { type: 'integer' }, false],
    ['a', { enum: ['b'] }, false],
    [{ a: 1 }, { required: ['b'] }, false],
    [{ a: 1 }, { properties: {}, additionalProperties: false }, false],
    [[1, 1], { uniqueItems: true }, false],
    [[1, 2], { contains: { const: 2 } }, true],
    [5, { oneOf: [{ minimum: 1 }, { minimum: 2 }] }, false],
    [5, { not: { type: 'integer' } }, false],
    [{ a: 1 }, JSON.parse('{"if":{"required":["a"]},"then":{"required":["b"]}}'), false],
    [{ ab: 1 }, { patternProperties: { '^a': { type: 'string' } } }, false],
    ['😀', { maxLength: 1 }, true],
    [{ a: 1 }, { dependentRequired: { a: ['b'] } }, false],
  ])('judges %j against %j: %s', (value, schema, expected) => {
    expect(satisfies(value, schema)).toBe(expected)
  })
})
