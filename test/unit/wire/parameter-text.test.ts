import { describe, expect, it } from 'vitest'
import { pathOf, valueAt } from '../../../src/wire/parameter-text.ts'

describe('pathOf', () => {
  it.each<[PropertyKey[], string | null]>([
    [[], null],
    [['messages', 0, 'content'], 'messages[0].content'],
    [['tools', 2, 'function', 'name'], 'tools[2].function.name'],
    [[0, 'a'], '[0].a'],
    [['metadata', '0'], 'metadata.0'],
    [['metadata', 'a.b'], 'metadata["a.b"]'],
    [['metadata', ''], 'metadata[""]'],
    [['metadata', '"\n'], 'metadata["\\"\\n"]'],
  ])('writes %j as %s', (path, text) => {
    expect(pathOf(path)).toBe(text)
  })
})

describe('valueAt', () => {
  it.each<[PropertyKey[], unknown]>([
    [[], { a: [null, { b: 1 }] }],
    [['a', 1, 'b'], 1],
    [['a', 0], null],
    [['a', 0, 'b'], undefined],
    [['a', 2], undefined],
    [['toString'], undefined],
  ])('at %j is %j', (path, value) => {
    expect(valueAt({ a: [null, { b: 1 }] }, path)).toEqual(value)
  })
})
