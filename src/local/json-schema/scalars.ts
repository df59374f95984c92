/** Proposes strings and numbers for a schema, the most natural first. */

import type { Schema } from './check.ts'
import { SAMPLE_CHARACTERS_MAX, samplePattern } from './pattern.ts'

/** The last digit 1 of each sample can be replaced, so that the items of an array differ. */
const FORMAT_SAMPLES: Record<string, string> = {
  date: '2026-03-01',
  'date-time': '2026-03-01T09:30:00Z',
  time: '09:30:01Z',
  duration: 'P1DT2H',
  email: 'ada1@example.com',
  'idn-email': 'ada1@example.com',
  hostname: 'host1.example.com',
  'idn-hostname': 'host1.example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/1',
  'uri-reference': '/example/1',
  url: 'https://example.com/1',
  iri: 'https://example.com/1',
  uuid: '3f2b8c1e-5d4a-4e7b-9c6d-1a2b3c4d5e6f',
  regex: '^a+$',
  'json-pointer': '/example/1',
}

/** The numbers of repetitions to try for the open-ended parts of a pattern. */
const PATTERN_REPEATS = [1, 0, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256]

/** Samples of the format or the pattern, then texts made of `name`. They differ by `ordinal` if possible. */
export function* proposeStrings(schema: Schema, name: string, ordinal: number): Generator<string> {
  const { format, pattern } = schema
  const min = typeof schema['minLength'] === 'number' ? schema['minLength'] : 0
  const max = typeof schema['maxLength'] === 'number' ? schema['maxLength'] : Infinity
  const sample = typeof format === 'string' ? FORMAT_SAMPLES[format] : undefined
  if (sample !== undefined) {
    if (ordinal > 0) yield sample.replace(/1(?=[^1]*$)/u, String((ordinal % 9) + 1))
    yield sample
  }
  if (typeof pattern === 'string') {
    for (const repeat of [...PATTERN_REPEATS.slice(ordinal % 3), ...PATTERN_REPEATS, min]) {
      const made = samplePattern(pattern, repeat)
      if (made !== undefined) yield made
    }
  }
  yield fitLength(ordinal === 0 ? name : `${name} ${ordinal + 1}`, min, max)
  yield fitLength(ordinal === 0 ? 'a' : `${ordinal + 1}a`, min, max)
}

/** Numbers within the bounds and close to one of them. `ordinal` makes the items of an array differ. */
export function* proposeNumbers(schema: Schema, isWhole: boolean, ordinal: number): Generator<number> {
  const low = bound(schema['minimum'], schema['exclusiveMinimum'], Math.max)
  const high = bound(schema['maximum'], schema['exclusiveMaximum'], Math.min)
  const step = typeof schema['multipleOf'] === 'number' && schema['multipleOf'] > 0 ? schema['multipleOf'] : 1
  yield step * (1 + ordinal)
  if (low !== undefined) {
    const first = Math.ceil(low / step) * step
    yield first + step * ordinal
    yield first + step * (ordinal + 1)
  }
  if (high !== undefined) {
    const last = Math.floor(high / step) * step
    yield last - step * ordinal
    yield last - step * (ordinal + 1)
  }
  yield 0
  // A multiple of a fraction may not be whole. Then a whole number is a few steps further.
  if (isWhole) for (let tries = 1; tries <= 100; tries++) yield (Math.ceil((low ?? 0) / step) + tries) * step
  if (low !== undefined && high !== undefined)
    yield (low + high) / 2 + ((high - low) / 1_000) * (ordinal % 100)
  if (low !== undefined) yield low
  if (high !== undefined) yield high
  if (low !== undefined) yield low + Math.max(Math.abs(low) * 1e-6, 1e-6)
  if (high !== undefined) yield high - Math.max(Math.abs(high) * 1e-6, 1e-6)
}

function bound(a: unknown, b: unknown, choose: (...values: number[]) => number): number | undefined {
  const given = [a, b].filter((value) => typeof value === 'number')
  return given.length === 0 ? undefined : choose(...given)
}

/** Lengths are in code points, as in JSON Schema. */
function fitLength(text: string, min: number, max: number): string {
  const length = Math.min(min, SAMPLE_CHARACTERS_MAX)
  const characters = Array.from(text)
  while (characters.length < length) characters.push('x')
  return characters.slice(0, max).join('')
}
