/** The bounds on a body's values are found in its bytes, exactly as a parser would count them. */
import * as fc from 'fast-check'
import { describe, expect, inject, it } from 'vitest'
import {
  findExcess,
  JSON_ELEMENTS_MAX,
  JSON_VALUES_MAX,
  type JsonBounds,
} from '../../../src/wire/json-bounds.ts'
import { JSON_LEVELS_MAX } from '../../../src/wire/serializable.ts'

const find = (text: string, bounds?: JsonBounds) => findExcess(new TextEncoder().encode(text), bounds)
const list = (elements: number, element = '0') => `[${Array<string>(elements).fill(element).join(',')}]`
const elements = (parameter: string | null) => ({ bound: 'elements', parameter })
const VALUES = { bound: 'values', parameter: null }

/** What a parser finds: all values, and the elements of the longest list. */
function count(value: unknown): { values: number; longest: number } {
  if (typeof value !== 'object' || value === null) return { values: 1, longest: 0 }
  const inner = Object.values(value).map(count)
  return {
    values: 1 + inner.reduce((sum, { values }) => sum + values, 0),
    longest: Math.max(inner.length, ...inner.map(({ longest }) => longest)),
  }
}

describe('a body', () => {
  it('is accepted with as many elements as the bound, and refused with one more', () => {
    expect(find(`{"messages":${list(JSON_ELEMENTS_MAX)}}`)).toBeNull()
    expect(find(`{"messages":${list(JSON_ELEMENTS_MAX + 1)}}`)).toEqual(elements('messages'))
    expect(find(`{"model":"a", "input" : ${list(JSON_ELEMENTS_MAX + 1, '{}')}}`)).toEqual(elements('input'))
    const properties = Array.from({ length: JSON_ELEMENTS_MAX + 1 }, (_, index) => `"${index}":0`)
    expect(find(`{"metadata":{${properties.join(',')}}}`)).toEqual(elements('metadata'))
  })

  it('whose long list is not a parameter of its own is refused without a name', () => {
    const long = list(JSON_ELEMENTS_MAX + 1)
    for (const text of [long, `{"a":[${long}]}`, `{"a":{"b":${long}}}`])
      expect(find(text)).toEqual(elements(null))
  })

  it('is accepted with as many values as the bound, and refused with one more', () => {
    // The body, its four lists and their elements: 5 + 4 * 20,000 values, and a fifth list fills it up.
    const four = list(4, list(JSON_ELEMENTS_MAX)).slice(0, -1)
    const rest = JSON_VALUES_MAX - 6 - 4 * JSON_ELEMENTS_MAX
    expect(find(`${four},${list(rest)}]`)).toBeNull()
    expect(find(`${four},${list(rest + 1)}]`)).toEqual(VALUES)
    expect(find(`${four},${list(rest - 1)},[]]`)).toBeNull()
    expect(find(`${four},${list(rest - 1)},[ 0 ]]`)).toEqual(VALUES)
  })

  it('is refused for its levels before it takes memory for them', () => {
    const padding = ' '.repeat(2 * JSON_ELEMENTS_MAX)
    const nested = (levels: number) => `${padding}${'['.repeat(levels)}${']'.repeat(levels)}`
    expect(find(nested(JSON_LEVELS_MAX))).toBeNull()
    expect(find(nested(JSON_LEVELS_MAX + 1))).toEqual({ bound: 'levels', parameter: null })
    expect(find('['.repeat(4_000_000))).toEqual({ bound: 'levels', parameter: null })
  })

  it('whose strings look like lists is read as its strings', () => {
    const commas = ',[{'.repeat(JSON_ELEMENTS_MAX)
    for (const text of [commas, `\\"${commas}`, `\\\\\\"${commas}\\\\`, `${'\\\\'.repeat(50)}\\"${commas}`])
      expect(find(`{"a":"${text}","b":[]}`)).toBeNull()
    expect(find(`["${'\\\\'.repeat(50)}",${list(JSON_ELEMENTS_MAX + 1).slice(1)}`)).toEqual(elements(null))
  })

  it('that is no JSON is refused or let through, and never hangs', () => {
    for (const text of [
      ']'.repeat(50_000),
      '"'.repeat(50_001),
      '\\'.repeat(50_000),
      `"${'\\'.repeat(50_000)}`,
    ])
      expect(find(text)).toBeNull()
    expect(find(','.repeat(50_000))).toEqual(elements(null))
  })

  it('is counted as a parser counts it, whatever its strings and spaces are', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 120 }),
      fc
        .array(fc.constantFrom('"', '\\', ',', '[', '}', ' ', 'a'.repeat(47)), { maxLength: 9 })
        .map((all) => all.join('')),
    )
    const { json } = fc.letrec<{ json: unknown }>((tie) => ({
      json: fc.oneof(
        { depthSize: 'small' },
        fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(null, true)),
        fc.array(tie('json'), { maxLength: 6 }),
        fc
          .uniqueArray(fc.tuple(text, tie('json')), { maxLength: 6, selector: ([name]) => name })
          .map((entries) => Object.fromEntries(entries.filter(([name]) => name !== '__proto__'))),
      ),
    }))
    fc.assert(
      fc.property(json, fc.constantFrom(0, 1, '\n\t'), (value, space) => {
        const { values, longest } = count(value)
        const written = JSON.stringify(value, null, space)
        expect(find(written, { elementsMax: longest, valuesMax: values })).toBeNull()
        if (values > 1)
          expect(find(written, { elementsMax: Infinity, valuesMax: values - 1 })).toEqual(VALUES)
        // A list of one element has no comma to count.
        if (longest > 1)
          expect(find(written, { elementsMax: longest - 1, valuesMax: Infinity })?.bound).toBe('elements')
      }),
      { seed: inject('fuzz').seed, numRuns: 2_000 },
    )
  })
})
