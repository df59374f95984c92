import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { samplePattern } from '../../../../src/local/json-schema/pattern.ts'

describe('samplePattern', () => {
  it.each([
    '^[a-z0-9-]{3,10}$',
    '^\\+?[1-9]\\d{6,14}$',
    '^(?:red|green|blue)$',
    '^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$',
    '^\\w+(?:\\.\\w+)*$',
    '^.{4}$',
    '^(?<year>\\d{4})-(0[1-9]|1[0-2])$',
    '^\\u0041[\\x42-D]?$',
    '^#(?:[0-9a-fA-F]{3}){1,2}$',
    '^[\\]\\-a]$',
    'plain',
    '',
  ])('makes a text that %s accepts', (pattern) => {
    for (const repeat of [1, 3]) expect(samplePattern(pattern, repeat)).toMatch(new RegExp(pattern, 'u'))
  })

  it('never throws, and its sample has a bound, for any pattern', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[(){}[\]|*+?\\^$.\w-]{0,30}$/)),
        fc.nat(300),
        (pattern, repeat) => {
          expect((samplePattern(pattern, repeat) ?? '').length).toBeLessThanOrEqual(10_000)
        },
      ),
    )
    expect(samplePattern('(((a{999}){999}){999}){999}', 1)).toBeUndefined()
  })
})
