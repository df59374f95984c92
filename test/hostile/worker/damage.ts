/** Damages a request body in many ways, from a wrong value to invalid UTF-8. */
import * as fc from 'fast-check'

/** Texts that replace a value: unusual JSON, which `JSON.stringify` may never write, and invalid JSON. */
export const FRAGMENTS: readonly string[] = [
  '1e400',
  '-1e400',
  '-0',
  '1e-400',
  '0.1e1',
  '9223372036854775807',
  '123456789012345678901234567890123456789012345678901234567890',
  '1.7976931348623157e308',
  '{"a":1,"a":2}',
  '{"__proto__":{"isAdmin":true}}',
  '{"constructor":{"prototype":{"isAdmin":true}}}',
  '{"toString":1,"valueOf":2,"hasOwnProperty":3,"length":-1}',
  '"\\ud800"',
  '"\\u0000"',
  '"\\uDFFF\\uD800"',
  '[[],{},null,"",0,false]',
  '{"":{"":{"":{}}}}',
  nested('[', ']', 100),
  nested('[', ']', 100_000),
  nested('{"a":', '}', 1_000, '1'),
  nested('{"a":', '}', 20_000, '1'),
  `"${'x'.repeat(20_000)}"`,
  `[${'0,'.repeat(20_000)}0]`,
  // 114,000 values, and no list too long.
  `[${`[${'0,'.repeat(18_999)}0],`.repeat(6)}0]`,
  // Not JSON.
  'undefined',
  'NaN',
  '01',
  "'a'",
  '/* a */ 1',
  '[1,]',
  '"\t"',
  '',
]

const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'then',
  '',
  'a'.repeat(500),
  '😀',
  '0',
  '\ud800',
]

const harmless = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom<unknown>(null, '', 0, -1, true, [], {}, '\ud800', 2 ** 53, -0.5, [[]], [null], {
    type: 'text',
  }),
)

/** Makes one change somewhere in a value: a replacement, a removal or a renaming. */
export function damaged(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const change = fc.oneof(
    harmless.map((to): Change => ({ to })),
    fc.nat(FRAGMENTS.length - 1).map((index): Change => ({ to: marker(index) })),
    fc.constantFrom(...NAMES).map((name): Change => ({ name })),
    fc.constant<Change>({}),
  )
  return fc
    .tuple(value, fc.array(fc.nat(), { minLength: 1, maxLength: 8 }), change)
    .map(([whole, steps, how]) => changed(structuredClone(whole), steps, how))
}

/** Writes a value as JSON text, including the fragments inserted by `damaged`. */
export function textOf(value: unknown): string {
  const text = JSON.stringify(value) ?? ''
  return text.replaceAll(MARKERS, (_marker, index: string) => FRAGMENTS[Number(index)] ?? '')
}

/** Damages the bytes of a text by truncation, insertion or bit flips. Some results are random bytes. */
export function garbled(text: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> {
  const bytes = text.map((whole) => new TextEncoder().encode(whole))
  const insert = fc.oneof(
    fc.constantFrom<readonly number[]>(
      [0xef, 0xbb, 0xbf],
      [0xff, 0xfe],
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe9],
      [0],
      [0x5b],
      [0x7d],
      [0x22],
    ),
    fc.uint8Array({ maxLength: 8 }).map((some) => [...some]),
  )
  return fc.oneof(
    fc.tuple(bytes, fc.nat()).map(([whole, at]) => whole.slice(0, at % (whole.length + 1))),
    fc
      .tuple(bytes, fc.nat(), insert)
      .map(([whole, at, some]) => inserted(whole, at % (whole.length + 1), some)),
    fc.tuple(bytes, insert).map(([whole, some]) => inserted(whole, 0, some)),
    fc.tuple(bytes, fc.nat(), fc.nat(7)).map(([whole, at, bit]) => bitFlipped(whole, at, bit)),
    fc.uint8Array({ maxLength: 300 }).map((some) => new Uint8Array(some)),
  )
}

function nested(open: string, close: string, levels: number, core = ''): string {
  return open.repeat(levels) + core + close.repeat(levels)
}

interface Change {
  to?: unknown
  name?: string
}

const MARKERS = /"@fragment (\d+)@"/g

function marker(index: number): string {
  return `@fragment ${index}@`
}

function changed(value: unknown, [step = 0, ...rest]: readonly number[], how: Change): unknown {
  if (typeof value !== 'object' || value === null) return 'to' in how ? how.to : value
  const names = Object.keys(value)
  const name = names[step % Math.max(1, names.length)]
  if (name === undefined) return 'to' in how ? how.to : value
  const inner: unknown = Reflect.get(value, name)
  if (rest.length > 0 && typeof inner === 'object' && inner !== null) {
    Reflect.set(value, name, changed(inner, rest, how))
    return value
  }
  if (Array.isArray(value)) return value.toSpliced(Number(name), 1, ...('to' in how ? [how.to] : []))
  Reflect.deleteProperty(value, name)
  if ('to' in how) define(value, name, how.to)
  else if (how.name !== undefined) define(value, how.name, inner)
  return value
}

/** Defines a property as `JSON.parse` does, which treats `__proto__` as an ordinary name. */
function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
}

function inserted(whole: Uint8Array, at: number, some: readonly number[]): Uint8Array {
  return new Uint8Array([...whole.subarray(0, at), ...some, ...whole.subarray(at)])
}

function bitFlipped(whole: Uint8Array, at: number, bit: number): Uint8Array {
  const copy = whole.slice()
  const index = at % Math.max(1, copy.length)
  copy.fill((copy[index] ?? 0) ^ (1 << bit), index, index + 1)
  return copy
}
